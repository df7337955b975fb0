#include "record/writer.hpp"

#include <charconv>
#include <cmath>

#include "failure.hpp"
#include "package/decimal.hpp"
#include "package/json.hpp"

namespace eird {
namespace {

constexpr std::size_t kLongestInteger = 24;
// What a record of kUsualDetections and as many tracks as there are usually needs; a fuller one grows the buffer once.
constexpr std::size_t kUsualLine = 1U << 18U;

}  // namespace

std::string json_string(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string json = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text.data() + at, text.size() - at);
    if (length == 0) {
      json += "\xef\xbf\xbd";
      ++at;
      continue;
    }
    if (byte == '"' || byte == '\\') {
      json += '\\';
      json += text[at];
    } else if (byte < 0x20) {
      json += "\\u00";
      json += kDigits[byte >> 4U];
      json += kDigits[byte & 15U];
    } else {
      json.append(text.substr(at, length));
    }
    at += length;
  }
  return json + "\"";
}

RecordWriter::RecordWriter(const std::string& source, std::uint32_t source_index, const std::string& run_id,
                           const std::vector<std::string>& classes)
    : head_("{\"schema\":" + std::to_string(kRecordSchema) + ",\"run_id\":" + json_string(run_id) +
            ",\"source\":" + json_string(source) + ",\"source_index\":" + std::to_string(source_index) +
            ",\"sequence\":") {
  for (const std::string& name : classes) classes_.push_back(json_string(name));
  buffer_.reserve(kUsualLine);
}

std::string_view RecordWriter::line(const RecordFrame& frame, const Finding* findings, std::size_t found,
                                    const RecordTracks* tracks) {
  buffer_.assign(head_);
  integer(frame.sequence);
  text(",\"capture_ns\":");
  integer(frame.capture_ns);
  text(",\"emit_ns\":");
  integer(frame.emit_ns);
  text(",\"realtime_offset_ns\":");
  frame.has_realtime_offset ? integer(frame.realtime_offset_ns) : text("null");
  text(",\"media_ns\":");
  frame.has_media_time ? integer(frame.media_ns) : text("null");
  text(",\"width\":");
  integer(frame.width);
  text(",\"height\":");
  integer(frame.height);
  text(frame.sixteen_bits ? ",\"pixel_format\":\"Y16\",\"dropped\":" : ",\"pixel_format\":\"GREY\",\"dropped\":");
  count(frame.dropped);
  text(",\"skipped\":");
  count(frame.skipped);
  text(",\"missed\":");
  count(frame.missed);
  text(",\"interruptions\":");
  count(frame.interruptions);
  text(",\"queued\":");
  count(frame.queued);
  text(",\"discontinuity\":");
  truth(frame.discontinuity);
  text(",\"shutter\":");
  truth(frame.shutter);
  text(",\"detections\":[");
  for (std::size_t i = 0; i < found; ++i) {
    if (i > 0) text(",");
    detection(findings[i], tracks, i);
  }
  text("],\"tracks\":");
  if (tracks == nullptr) {
    text("null}");
    return buffer_;
  }
  text("[");
  for (std::size_t i = 0; i < tracks->count; ++i) {
    if (i > 0) text(",");
    track(tracks->tracks[i]);
  }
  text("]}");
  return buffer_;
}

void RecordWriter::integer(std::int64_t value) {
  char digits[kLongestInteger];
  const std::to_chars_result result = std::to_chars(digits, digits + sizeof digits, value);
  buffer_.append(digits, static_cast<std::size_t>(result.ptr - digits));
}

void RecordWriter::count(std::uint64_t value) {
  char digits[kLongestInteger];
  const std::to_chars_result result = std::to_chars(digits, digits + sizeof digits, value);
  buffer_.append(digits, static_cast<std::size_t>(result.ptr - digits));
}

void RecordWriter::number(double value) {
  if (!std::isfinite(value)) {
    throw Failure(Code::option, "a number of the record is " + format_double(value),
                  "pass the detections and tracks as the library gave them");
  }
  char digits[kLongestDouble];
  buffer_.append(digits, write_double(value, digits));
}

void RecordWriter::numbers(const double* values, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    text(i == 0 ? "[" : ",");
    number(values[i]);
  }
  text("]");
}

void RecordWriter::detection(const Finding& finding, const RecordTracks* tracks, std::size_t index) {
  if (finding.class_id < 0 || static_cast<std::size_t>(finding.class_id) >= classes_.size()) {
    throw Failure(Code::option,
                  "a detection has the class " + std::to_string(finding.class_id) + " of " +
                      std::to_string(classes_.size()),
                  "open the record writer with the classes of the detector");
  }
  const double box[4] = {static_cast<double>(finding.box[0]), static_cast<double>(finding.box[1]),
                         static_cast<double>(finding.box[2]), static_cast<double>(finding.box[3])};
  text("{\"box\":");
  numbers(box, 4);
  text(",\"score\":");
  number(static_cast<double>(finding.score));
  text(",\"class_id\":");
  integer(finding.class_id);
  text(",\"class_name\":");
  text(classes_[static_cast<std::size_t>(finding.class_id)]);
  text(",\"centroid\":");
  const double centroid[2] = {finding.x, finding.y};
  numbers(centroid, 2);
  text(",\"scr\":");
  std::isnan(finding.scr) ? text("null") : number(finding.scr);
  text(",\"track_id\":");
  const std::int64_t id = tracks == nullptr || tracks->ids == nullptr ? 0 : tracks->ids[index];
  id == 0 ? text("null") : integer(id);
  text("}");
}

void RecordWriter::track(const TrackState& track) {
  text("{\"track_id\":");
  integer(track.track_id);
  text(track.coasting ? ",\"state\":\"coasting\",\"centre\":" : ",\"state\":\"confirmed\",\"centre\":");
  numbers(track.centre, 2);
  text(",\"velocity\":");
  numbers(track.velocity, 2);
  text(",\"sigma\":");
  number(track.sigma);
  text(",\"box\":");
  numbers(track.box, 4);
  text(",\"class_id\":");
  integer(track.class_id);
  text(",\"score\":");
  number(track.score);
  text(",\"hits\":");
  integer(track.hits);
  text(",\"missed\":");
  integer(track.missed);
  text("}");
}

}  // namespace eird
