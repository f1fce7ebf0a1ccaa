#!/usr/bin/env bash
# Fails if ONNX or protobuf can be reached from the given programs and archives, by symbol or by shared library, and if
# an archive throws, catches, or has type information of its own.
# usage: check_link.sh FILE...
set -euo pipefail
status=0
# complain FILE WHAT SYMBOLS: if there are any.
complain() {
  [ -n "$3" ] || return 0
  echo "$1: $2:"
  echo "$3"
  status=1
}
for file in "$@"; do
  symbols=$(nm -C "$file" 2>/dev/null || true)
  [ -n "$symbols" ] || { echo "$file: no symbols; not a program or an archive, or stripped"; status=1; }
  complain "$file" "knows ONNX or protobuf" "$(grep -iE 'onnx_schema|google::protobuf' <<<"$symbols" | head -n 3 || true)"
  # The command itself uses CLI11, which needs it; the library does not.
  complain "$file" "has type information of the library's" \
    "$(grep -E 'typeinfo (name )?for doppio' <<<"$symbols" | grep -v 'for doppio::cli' | head -n 3 || true)"
  if [[ $file == *.a ]] && grep -q ' U dnnl_' <<<"$symbols"; then
    echo "$file: holds the oneDNN engine, whose C++ interface throws inside it; exceptions are not looked for"
  elif [[ $file == *.a ]]; then
    complain "$file" "throws or catches" \
      "$(grep -E '__cxa_throw|__cxa_begin_catch|__gxx_personality|_Unwind_Resume' <<<"$symbols" | head -n 3 || true)"
  elif ldd "$file" 2>/dev/null | grep -iE 'protobuf|onnx'; then
    echo "$file: links them"
    status=1
  fi
done
[ $status -eq 0 ] && echo "clean: $*"
exit $status
