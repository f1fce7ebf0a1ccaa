// JPEG by libjpeg-turbo with its defaults. The library reports errors by a function that must not
// return; it jumps back to DecodeInto, and no object with a destructor lives in a frame that the
// jump leaves out.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// jpeglib.h needs FILE and size_t, jerror.h needs jpeglib.h.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "base/message.h"
#include "vision/decode.h"

namespace doppio::vision {
namespace {

// Ten scans are usual in a progressive file; one of thousands of empty scans only keeps the reader
// busy.
constexpr int kMaxScans = 100;

struct JpegReader {
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  jpeg_decompress_struct jpeg;
  std::jmp_buf stop;
  char message[JMSG_LENGTH_MAX];
};

JpegReader* ReaderOf(j_common_ptr jpeg) { return static_cast<JpegReader*>(jpeg->client_data); }

[[noreturn]] void Stop(j_common_ptr jpeg) {
  JpegReader* reader = ReaderOf(jpeg);
  jpeg->err->format_message(jpeg, reader->message);
  std::longjmp(reader->stop, 1);
}

// Warnings are damage that the library paints over. PIL and OpenCV let them pass, except that the
// data ends early.
void Warn(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) Stop(jpeg);
}

void LimitScans(j_common_ptr jpeg) {
  JpegReader* reader = ReaderOf(jpeg);
  if (reader->jpeg.input_scan_number <= kMaxScans) return;
  std::snprintf(reader->message, sizeof(reader->message), "more than %d scans", kMaxScans);
  std::longjmp(reader->stop, 1);
}

void Start(JpegReader* reader, std::span<const uint8_t> bytes) {
  reader->message[0] = 0;
  reader->jpeg.err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = Stop;
  reader->errors.emit_message = Warn;
  reader->progress = {};
  reader->progress.progress_monitor = LimitScans;
  reader->jpeg.client_data = reader;
  if (setjmp(reader->stop) != 0) return;
  jpeg_create_decompress(&reader->jpeg);
  reader->jpeg.progress = &reader->progress;
  jpeg_mem_src(&reader->jpeg, bytes.data(), static_cast<unsigned long>(bytes.size()));
}

// False: reader->message says why.
bool ReadHeader(JpegReader* reader) {
  if (setjmp(reader->stop) != 0) return false;
  jpeg_read_header(&reader->jpeg, TRUE);
  jpeg_decompress_struct& jpeg = reader->jpeg;
  const bool four = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  const bool grey = jpeg.jpeg_color_space == JCS_GRAYSCALE;
  jpeg.out_color_space = four ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  return true;
}

// Four inks as Adobe writes them (255 is no ink) to RGB, with PIL's rounding.
void InksToRgb(const uint8_t* inks, int width, uint8_t* rgb) {
  for (int x = 0; x < width; ++x) {
    const int light = inks[4 * x + 3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - inks[4 * x + c]) * light + 128;
      rgb[3 * x + c] = static_cast<uint8_t>(light - (((product >> 8) + product) >> 8));
    }
  }
}

// Appends rows to `pixels`, whose capacity is enough. Memory is touched as rows come, so that a
// short file that claims to be a large picture costs nothing. `row` has room for one decoded row.
bool DecodeInto(JpegReader* reader, std::vector<uint8_t>* pixels, uint8_t* row) {
  jpeg_decompress_struct& jpeg = reader->jpeg;
  if (setjmp(reader->stop) != 0) return false;
  jpeg_start_decompress(&jpeg);
  const size_t width = jpeg.output_width;
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW rows[] = {row};
    jpeg_read_scanlines(&jpeg, rows, 1);
    if (jpeg.out_color_space == JCS_CMYK) {
      const size_t begin = pixels->size();
      pixels->resize(begin + width * 3);
      InksToRgb(row, static_cast<int>(width), pixels->data() + begin);
    } else {
      pixels->insert(pixels->end(), row, row + width * static_cast<size_t>(jpeg.output_components));
    }
  }
  return true;
}

Status Damaged(const JpegReader& reader) {
  return CorruptModel(base::Cat("damaged JPEG: ", static_cast<const char*>(reader.message)));
}

}  // namespace

StatusOr<Picture> DecodeJpeg(std::span<const uint8_t> bytes) {
  struct Guard {
    JpegReader reader{};
    ~Guard() { jpeg_destroy_decompress(&reader.jpeg); }
  } guard;
  JpegReader& reader = guard.reader;
  Start(&reader, bytes);
  if (reader.message[0] != 0 || !ReadHeader(&reader)) return Damaged(reader);

  const jpeg_decompress_struct& jpeg = reader.jpeg;
  DOPPIO_RETURN_IF_ERROR(CheckPixelCount(jpeg.image_width, jpeg.image_height));
  Picture picture;
  picture.width = static_cast<int>(jpeg.image_width);
  picture.height = static_cast<int>(jpeg.image_height);
  picture.channels = jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  picture.pixels.reserve(size_t{jpeg.image_width} * jpeg.image_height *
                         static_cast<size_t>(picture.channels));
  std::vector<uint8_t> row(size_t{jpeg.image_width} * 4);
  if (!DecodeInto(&reader, &picture.pixels, row.data())) return Damaged(reader);
  return picture;
}

}  // namespace doppio::vision
