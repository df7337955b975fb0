// The border between the library and edge_irdet_tensorrt.so: plain C, since the two may be built by different compilers.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

constexpr std::uint32_t kEirdModuleVersion = 1;
constexpr const char* kEirdModuleFile = "edge_irdet_tensorrt.so";
constexpr const char* kEirdModuleEntry = "eird_tensorrt_module";

struct EirdModuleFailure {
  std::int32_t code;
  char what[2048];
  char next_step[512];
};

struct EirdModuleHost {
  char tensorrt[64];
  char compute_capability[16];
  char device[256];
  std::int32_t multiprocessors;
  std::uint64_t total_bytes;
};

struct EirdModuleTensor {
  const char* name;     // in the manifest
  const char* binding;  // in the engine
  const char* dtype;    // NumPy's name
  const std::int64_t* shape;
  std::size_t rank;
  std::int32_t is_input;
};

struct EirdModulePlan {
  const void* data;
  std::size_t bytes;
  const char* shown;    // the engine's path, for messages
  const char* rebuild;  // what to do where it is refused
  const EirdModuleTensor* tensors;
  std::size_t tensor_count;
  std::int32_t device;
  std::int32_t cuda_graph;
  void* stream;  // null: one of its own
};

// Every function gives 0, or the code of the error that it has written into the failure.
struct EirdModule {
  std::uint32_t version;
  const char* (*describe)();
  std::int32_t (*probe)(std::int32_t device, EirdModuleHost*, EirdModuleFailure*);
  std::int32_t (*open)(const EirdModulePlan*, void** runner, EirdModuleFailure*);
  std::int32_t (*clone)(void* runner, void** other, EirdModuleFailure*);
  std::int32_t (*run)(void* runner, const std::uint8_t* tensor, std::size_t bytes, EirdModuleFailure*);
  const float* (*output)(void* runner, const char* name);
  const char* (*launch)(void* runner);
  void (*close)(void* runner);
};

using EirdModuleEntry = const EirdModule* (*)();
}
