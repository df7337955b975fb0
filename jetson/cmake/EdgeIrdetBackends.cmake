# Which back ends are built. Each prints one line: what was found where, or what is missing and how to get it.

# A choice is AUTO, ON or OFF; ON fails where the headers are missing.
function(eird_choose choice found where how builds)
  set(${builds} OFF PARENT_SCOPE)
  if(NOT ${choice} MATCHES "^(AUTO|ON|OFF)$")
    message(FATAL_ERROR "${choice} is ${${choice}}; choose AUTO, ON or OFF")
  endif()
  if(${choice} STREQUAL "OFF")
    message(STATUS "${choice}: off, as asked")
  elseif(found)
    message(STATUS "${choice}: ${where}")
    set(${builds} ON PARENT_SCOPE)
  elseif(${choice} STREQUAL "ON")
    message(FATAL_ERROR "${choice}: ${how}")
  else()
    message(STATUS "${choice}: off, ${how}")
  endif()
endfunction()

find_package(OnnxRuntimeHeaders QUIET MODULE)
eird_choose(EDGE_IRDET_ONNXRUNTIME "${ONNXRUNTIME_INCLUDE_DIR}" "headers in ${ONNXRUNTIME_INCLUDE_DIR}"
  "onnxruntime_c_api.h is missing; install libonnxruntime-dev, or name its folder with -DONNXRUNTIME_INCLUDE_DIR"
  EIRD_BUILDS_ONNXRUNTIME)
