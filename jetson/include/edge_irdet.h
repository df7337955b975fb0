/* edge_irdet: infrared small-target detection in frames that the host has in memory.
 *
 * This is the C interface, and the only thing that the shared library exports. <edge_irdet/edge_irdet.hpp> is C++17 over it.
 *
 * - Every call that can fail gives 0, or the number of an error of docs/reference/errors.md (105 is E105).
 *   eird_last_error() says what happened and what to do next. A failure never looks like an empty result.
 * - Every struct begins with its size, which the caller sets: a newer library fills no more than an older caller knows,
 *   and takes the default for what an older caller does not state. Elements of arrays lie `stride` bytes apart.
 * - A handle may move between threads; two calls on one handle at once give EIRD_WRONG_THREAD to the second. Handles are
 *   independent of one another.
 * - Memory that a call hands out belongs to its handle and is valid until the next call on that handle.
 */
#ifndef EDGE_IRDET_H
#define EDGE_IRDET_H

#include <stddef.h>
#include <stdint.h>

#if defined(EIRD_BUILDING)
#define EIRD_API __attribute__((visibility("default")))
#else
#define EIRD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum eird_code {
  EIRD_OK = 0,
  EIRD_FRAME_FORMAT = 105,
  EIRD_SIXTEEN_BIT_UNMAPPED = 107,
  EIRD_PACKAGE_MISSING = 201,
  EIRD_MANIFEST_INVALID = 202,
  EIRD_PACKAGE_HASH = 203,
  EIRD_SCHEMA_NEWER = 204,
  EIRD_PRECISION_MISSING = 205,
  EIRD_GRAPH_REFUSED = 206,
  EIRD_EXTRA_MISSING = 404,
  EIRD_RUNNER = 601,
  EIRD_DRIVER_MISSING = 602,
  EIRD_DRIVER_OUTDATED = 603,
  EIRD_CUDA = 604,
  EIRD_ENGINE_MISSING = 607,
  EIRD_ENGINE_MISMATCH = 608,
  EIRD_ENGINE_DAMAGED = 609,
  EIRD_WRONG_THREAD = 610,
  EIRD_TENSORRT = 611,
  EIRD_ENGINE_UNTRUSTED = 612,
  EIRD_OPTION = 701
};

enum eird_runtime { EIRD_RUNTIME_AUTO = 0, EIRD_RUNTIME_TENSORRT = 1, EIRD_RUNTIME_CPU = 2 };
enum eird_precision { EIRD_PRECISION_DEFAULT = 0, EIRD_FP32 = 1, EIRD_FP16 = 2, EIRD_INT8 = 3 };
enum eird_nms { EIRD_NMS_DEFAULT = 0, EIRD_NMS_IOU = 1, EIRD_NMS_DISTANCE = 2, EIRD_NMS_NWD = 3 };
enum eird_pixel_format { EIRD_GREY8 = 1, EIRD_GREY16 = 2, EIRD_BGR8 = 3, EIRD_RGB8 = 4 };
/* EIRD_CUDA_MEMORY and EIRD_DMABUF are reserved: frames there are refused today. */
enum eird_memory { EIRD_HOST = 0, EIRD_CUDA_MEMORY = 1, EIRD_DMABUF = 2 };
enum eird_log_level { EIRD_LOG_INFO = 0, EIRD_LOG_WARNING = 1 };

typedef struct eird_detector eird_detector;
typedef struct eird_tracker eird_tracker;
typedef struct eird_recorder eird_recorder;

typedef void (*eird_log)(void* context, int level, const char* text);

typedef struct eird_error {
  uint32_t size;
  int32_t code;
  const char* title;
  const char* what;      /* what happened, with the value */
  const char* next_step; /* what to do about it */
} eird_error;

/* Set by eird_options_init(); what is not changed then is the package's own setting. */
typedef struct eird_options {
  uint32_t size;
  int32_t runtime;         /* auto: TensorRT where an engine fits this device, else the CPU */
  int32_t precision;       /* default: the engine measured as the fastest; FP32 on the CPU */
  int32_t device;          /* number of the GPU */
  int32_t threads;         /* of one inference on the CPU; 0 takes one per core */
  int32_t nms;             /* suppression rule */
  double nms_limit;        /* IoU or NWD 0..1, or network pixels; NaN is the default */
  double score_threshold;  /* 0..1; NaN is the package's */
  int32_t max_detections;  /* 0 is the package's */
  int32_t measure;         /* 0 leaves out centroids and signal-to-clutter ratios */
  const char* map16;       /* 16-bit mapping as --map16 takes it; NULL is the package's, which may refuse 16 bits */
  const char* onnxruntime; /* library of ONNX Runtime; NULL: EDGE_IRDET_ONNXRUNTIME, then libonnxruntime.so.1 */
  void* cuda_stream;       /* cudaStream_t that gets all work; NULL makes one */
  int32_t cuda_graph;      /* 0 does not capture a CUDA graph */
  int32_t reserved;
  eird_log log;            /* NULL is silent; called from the thread that calls the library */
  void* log_context;
} eird_options;

typedef struct eird_image {
  uint32_t size;
  int32_t format;   /* grey16: whole counts in the byte order of this machine */
  const void* data; /* first pixel */
  size_t bytes;     /* that may be read from there on */
  int32_t width;
  int32_t height;
  size_t pitch;     /* bytes from one row to the next */
  int32_t memory;
  int32_t reserved;
} eird_image;

typedef struct eird_detection {
  uint32_t size;
  int32_t class_id;
  float box[4]; /* left, top, right, bottom in continuous pixels of the frame: column i covers [i, i + 1) */
  float score;  /* 0..1 */
  uint32_t reserved;
  double centroid[2]; /* x, y; the middle of the box where nothing was measured */
  double scr;         /* signal-to-clutter ratio; NaN: none */
} eird_detection;

/* One frame's detections, best score first. None means: the frame was processed, and nothing was found. */
typedef struct eird_detections {
  uint32_t size;
  uint32_t stride;
  const eird_detection* items;
  size_t count;
  int32_t shutter; /* the camera's shutter was closed, or the frame shows nothing */
  int32_t width;   /* of the frame */
  int32_t height;
  int32_t format;
  int64_t preprocess_ns; /* how long each step took */
  int64_t network_ns;
  int64_t select_ns;
  int64_t measure_ns;
} eird_detections;

typedef struct eird_info {
  uint32_t size;
  int32_t runtime;   /* EIRD_RUNTIME_TENSORRT or EIRD_RUNTIME_CPU */
  int32_t precision; /* of the engine or graph */
  int32_t input_width;
  int32_t input_height;
  uint32_t reserved;
  const char* package;   /* its name */
  const char* directory;
  const char* manifest_sha256;
  const char* reason;    /* which runtime and precision, and why; one line */
  const char* engine;    /* path of the engine; empty on the CPU */
  const char* launch;    /* how a frame is launched */
  const char* const* classes;
  size_t class_count;
  double score_threshold;
} eird_info;

/* What the last frame was inside of the detector: for comparisons and debugging. */
typedef struct eird_inspection {
  uint32_t size;
  int32_t left; /* where the frame lies in the tensor: network = source * scale + (left, top) */
  int32_t top;
  int32_t width;
  int32_t height;
  uint32_t reserved;
  double scale_x;
  double scale_y;
  const uint8_t* tensor; /* [input_height, input_width] */
  size_t tensor_bytes;
  const float* boxes;  /* [box_count, 4] in network pixels */
  const float* scores; /* [box_count, class_count] */
  size_t box_count;
  size_t class_count;
} eird_inspection;

/* Set by eird_tracker_options_init(). docs/guides/tracking.md explains the fields. */
typedef struct eird_tracker_options {
  uint32_t size;
  int32_t confirm_hits;
  int32_t confirm_frames;
  int32_t max_coast_frames;
  int32_t max_tracks;
  uint32_t reserved;
  double acceleration;
  double centroid_sigma;
  double initial_speed;
  double gate_probability;
  double birth_score;
  double birth_distance;
  double max_coast_seconds;
  double max_gap_seconds;
  double max_shutter_seconds;
} eird_tracker_options;

typedef struct eird_frame {
  uint32_t size;
  int32_t discontinuity; /* something is missing before this frame */
  int64_t capture_ns;    /* of one clock that does not jump, such as CLOCK_MONOTONIC */
  uint64_t sequence;
} eird_frame;

typedef struct eird_track {
  uint32_t size;
  int32_t coasting; /* not seen in this frame: the position is predicted */
  int64_t track_id; /* from 1, never used again */
  double centre[2];
  double velocity[2]; /* pixels per second */
  double sigma;       /* standard deviation of the position, pixels */
  double box[4];
  double score;
  int32_t class_id;
  uint32_t reserved;
  int64_t hits;   /* frames in which it was seen */
  int64_t missed; /* frames since it was last seen */
} eird_track;

typedef struct eird_track_list {
  uint32_t size;
  uint32_t stride;
  const eird_track* items; /* confirmed tracks, by number */
  size_t count;
  const int64_t* track_ids; /* of each detection the confirmed track that took it; 0: none */
  size_t detection_count;
} eird_track_list;

typedef struct eird_recorder_options {
  uint32_t size;
  uint32_t source_index;
  const char* source; /* URI of the source, without credentials */
  const char* run_id; /* random name of this run; NULL makes one */
  const char* const* classes;
  size_t class_count;
} eird_recorder_options;

/* What a record says besides detections and tracks. Set by eird_record_frame_init(). */
typedef struct eird_record_frame {
  uint32_t size;
  int32_t discontinuity;
  int64_t sequence;
  int64_t capture_ns;         /* CLOCK_MONOTONIC */
  int64_t emit_ns;            /* 0: now */
  int64_t realtime_offset_ns; /* CLOCK_REALTIME minus CLOCK_MONOTONIC; INT64_MIN: as it is now */
  int64_t media_ns;           /* presentation time in a file; INT64_MIN: none */
  uint64_t dropped;
  uint64_t skipped;
  uint64_t missed;
  uint64_t interruptions;
  uint64_t queued;
} eird_record_frame;

/* Version of the library. */
EIRD_API const char* eird_version(void);

/* What back end there is, one line each with its version or why it is missing. Valid until the next call of the thread. */
EIRD_API const char* eird_backends(void);

/* Where a shipped package lies; NULL where there is none of that name. Valid until the next call of the thread. */
EIRD_API const char* eird_package_path(const char* name);

/* The last error of a handle, or, for NULL, of this thread's last call that had no handle. Gives its code, 0 for none. */
EIRD_API int eird_last_error(const void* handle, eird_error* error);

EIRD_API void eird_options_init(eird_options* options, uint32_t size);

/* Opens a package by its path or the name of an installed one. `options` may be NULL. */
EIRD_API int eird_open(const char* package, const eird_options* options, eird_detector** detector);

/* Another detector on the same weights, with buffers, stream and mapping of its own: one for each thread or source. */
EIRD_API int eird_clone(eird_detector* detector, eird_detector** clone);

/* Closes a detector; NULL is allowed. No other call may be running on it. */
EIRD_API void eird_close(eird_detector* detector);

EIRD_API int eird_detect(eird_detector* detector, const eird_image* image, eird_detections* detections);

/* Forgets the frames so far, as after a gap: the next one is the first of its stream. */
EIRD_API int eird_reset(eird_detector* detector);

EIRD_API int eird_get_info(eird_detector* detector, eird_info* info);
EIRD_API int eird_inspect(eird_detector* detector, eird_inspection* inspection);

EIRD_API void eird_tracker_options_init(eird_tracker_options* options, uint32_t size);
EIRD_API int eird_tracker_open(const eird_tracker_options* options, eird_tracker** tracker);
EIRD_API void eird_tracker_close(eird_tracker* tracker);
EIRD_API int eird_tracks(eird_tracker* tracker, const eird_frame* frame, const eird_detections* detections,
                         eird_track_list* tracks);
EIRD_API int eird_tracker_reset(eird_tracker* tracker);

EIRD_API void eird_record_frame_init(eird_record_frame* frame, uint32_t size);
EIRD_API int eird_recorder_open(const eird_recorder_options* options, eird_recorder** recorder);
EIRD_API void eird_recorder_close(eird_recorder* recorder);

/* The record as a line of JSON without its newline, `bytes` long and ended by a NUL. `tracks` may be NULL. */
EIRD_API int eird_record(eird_recorder* recorder, const eird_record_frame* frame, const eird_detections* detections,
                         const eird_track_list* tracks, const char** line, size_t* bytes);

#ifdef __cplusplus
}
#endif

#endif
