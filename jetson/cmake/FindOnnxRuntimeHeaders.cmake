# ONNX Runtime's C header, where its packages and archives put it. Gives ONNXRUNTIME_INCLUDE_DIR.
#
# Nothing is linked: the library is loaded at run time.
find_path(ONNXRUNTIME_INCLUDE_DIR onnxruntime_c_api.h
  HINTS ENV ONNXRUNTIME_ROOT ${ONNXRUNTIME_ROOT}
  PATH_SUFFIXES include include/onnxruntime include/onnxruntime/core/session onnxruntime onnxruntime/core/session
  DOC "Folder of onnxruntime_c_api.h")
mark_as_advanced(ONNXRUNTIME_INCLUDE_DIR)
