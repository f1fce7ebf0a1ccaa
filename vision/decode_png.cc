// PNG by libpng: palettes and 1 to 4 bits expanded, 16 bits cut to their high byte, alpha dropped,
// no gamma applied. libpng reports errors by a function that must not return; it jumps back to the
// functions below that call setjmp, and no object with a destructor lives in a frame that the jump
// leaves out.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "base/message.h"
#include "vision/decode.h"

namespace doppio::vision {
namespace {

// zlib never expands by more than this: a shorter file lies about its size.
constexpr int64_t kMaxExpansion = 1032;
// For compressed text and colour profiles, which are read only to be skipped.
constexpr png_alloc_size_t kMaxChunkBytes = png_alloc_size_t{8} << 20;

struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const uint8_t* next = nullptr;
  size_t left = 0;
  std::jmp_buf stop;
  char message[200] = "";

  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void Stop(png_structp png, png_const_charp message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->message, sizeof(reader->message), "%s", message);
  std::longjmp(reader->stop, 1);
}

void IgnoreWarning(png_structp, png_const_charp) {}

void ReadNext(png_structp png, png_bytep out, size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader->left) Stop(png, "the file ends too early");
  std::memcpy(out, reader->next, count);
  reader->next += count;
  reader->left -= count;
}

bool ReadHeader(PngReader* reader) {
  if (setjmp(reader->stop) != 0) return false;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, Stop, IgnoreWarning);
  if (reader->png == nullptr) return false;
  reader->info = png_create_info_struct(reader->png);
  if (reader->info == nullptr) return false;
  png_set_read_fn(reader->png, reader, ReadNext);
  png_set_chunk_malloc_max(reader->png, kMaxChunkBytes);
  png_set_user_limits(reader->png, 0x7FFFFFFF, 0x7FFFFFFF);  // the number of pixels is what counts
  png_read_info(reader->png, reader->info);
  return true;
}

bool SetTransforms(PngReader* reader) {
  if (setjmp(reader->stop) != 0) return false;
  const int type = png_get_color_type(reader->png, reader->info);
  if (png_get_bit_depth(reader->png, reader->info) == 16) png_set_strip_16(reader->png);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader->png);
  if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(reader->png);
  png_set_strip_alpha(reader->png);
  png_set_interlace_handling(reader->png);
  png_read_update_info(reader->png, reader->info);
  return true;
}

bool ReadRows(PngReader* reader, png_bytepp rows) {
  if (setjmp(reader->stop) != 0) return false;
  png_read_image(reader->png, rows);
  return true;
}

Status Damaged(const PngReader& reader) {
  if (reader.message[0] == 0) return OutOfMemory("no memory is left for the picture");
  return CorruptModel(base::Cat("damaged PNG: ", static_cast<const char*>(reader.message)));
}

}  // namespace

StatusOr<Picture> DecodePng(std::span<const uint8_t> bytes) {
  PngReader reader;
  reader.next = bytes.data();
  reader.left = bytes.size();
  if (!ReadHeader(&reader)) return Damaged(reader);

  const int64_t width = png_get_image_width(reader.png, reader.info);
  const int64_t height = png_get_image_height(reader.png, reader.info);
  DOPPIO_RETURN_IF_ERROR(CheckPixelCount(width, height));
  const auto stored_row = static_cast<int64_t>(png_get_rowbytes(reader.png, reader.info));
  if (stored_row * height > static_cast<int64_t>(bytes.size()) * kMaxExpansion) {
    return CorruptModel(base::Cat("damaged PNG: ", width, "x", height, " pixels do not fit into ",
                                  bytes.size(), " bytes"));
  }
  if (!SetTransforms(&reader)) return Damaged(reader);

  Picture picture;
  picture.width = static_cast<int>(width);
  picture.height = static_cast<int>(height);
  picture.channels = png_get_channels(reader.png, reader.info);
  const size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  if ((picture.channels != 1 && picture.channels != 3) ||
      row_bytes != static_cast<size_t>(width * picture.channels)) {
    return Internal("the PNG library gives an unexpected form of pixels");
  }
  picture.pixels.resize(row_bytes * static_cast<size_t>(height));
  std::vector<png_bytep> rows(static_cast<size_t>(height));
  for (size_t y = 0; y < rows.size(); ++y) rows[y] = picture.pixels.data() + y * row_bytes;
  if (!ReadRows(&reader, rows.data())) return Damaged(reader);
  return picture;
}

}  // namespace doppio::vision
