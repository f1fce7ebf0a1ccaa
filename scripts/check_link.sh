#!/usr/bin/env bash
# Fails if ONNX or protobuf can be reached from the given programs and archives: by symbol, or by shared library.
# usage: check_link.sh FILE...
set -euo pipefail
status=0
for file in "$@"; do
  symbols=$(nm -C "$file" 2>/dev/null | grep -iE 'onnx_schema|google::protobuf' | head -n 3 || true)
  if [ -n "$symbols" ]; then
    echo "$file: knows ONNX or protobuf:"
    echo "$symbols"
    status=1
  fi
  if [[ $file != *.a ]] && ldd "$file" 2>/dev/null | grep -iE 'protobuf|onnx'; then
    echo "$file: links them"
    status=1
  fi
done
[ $status -eq 0 ] && echo "no ONNX, no protobuf: $*"
exit $status
