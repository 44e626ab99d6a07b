// As much of ONNX Runtime's C interface as operators need, by its places: nothing of it has to be installed to compile them.
// Source: onnxruntime_c_api.h of 1.30.0, MIT; its table only grows at its end, and so does what describes an operator.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace ort {

constexpr uint32_t VERSION = 30;
constexpr int FLOAT = 1;
constexpr int REQUIRED = 0, OPTIONAL = 1;

struct Status;
struct Context;
struct KernelInfo;
struct Value;
struct Options;
struct Base {
  const void* const* (*getApi)(uint32_t version);
};

inline const void* const* table = nullptr;

/** The function at a place of the table. */
template <class F>
F function(int place) {
  return reinterpret_cast<F>(const_cast<void*>(table[place]));
}

/** Calls one that returns a status. */
template <class... A>
Status* tried(int place, A... args) {
  return function<Status* (*)(A...)>(place)(args...);
}

/** The same; a fault becomes an exception. */
template <class... A>
void call(int place, A... args) {
  Status* status = tried(place, args...);
  if (status == nullptr) return;
  const std::string text = function<const char* (*)(const Status*)>(2)(status); // GetErrorMessage
  function<void (*)(Status*)>(93)(status);                                      // ReleaseStatus
  throw std::runtime_error(text);
}

/** What the runtime is given for an exception. */
inline Status* failed(const char* text) { return function<Status* (*)(int, const char*)>(0)(1, text); } // CreateStatus, ORT_FAIL

/** Runs work of a callback; exceptions do not leave it. */
template <class F>
Status* guarded(const F& work) {
  try {
    work();
    return nullptr;
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}

/** OrtCustomOp: how the runtime asks about an operator. */
struct Operator {
  uint32_t version;
  void* (*createKernel)(const Operator*, const void* const*, const KernelInfo*); // before V2
  const char* (*name)(const Operator*);
  const char* (*provider)(const Operator*);
  int (*inputType)(const Operator*, size_t);
  size_t (*inputs)(const Operator*);
  int (*outputType)(const Operator*, size_t);
  size_t (*outputs)(const Operator*);
  void (*compute)(void*, Context*); // before V2
  void (*destroy)(void*);
  int (*inputKind)(const Operator*, size_t);
  int (*outputKind)(const Operator*, size_t);
  int (*inputMemory)(const Operator*, size_t);
  int (*inputArity)(const Operator*);
  int (*inputsAlike)(const Operator*);
  int (*outputArity)(const Operator*);
  int (*outputsAlike)(const Operator*);
  Status* (*create)(const Operator*, const void* const*, const KernelInfo*, void**);
  Status* (*run)(void*, Context*);
  Status* (*inferShape)(const Operator*, void*);
  int (*firstVersion)(const Operator*);
  int (*lastVersion)(const Operator*);
  size_t (*inPlace)(int**, int**);
  void (*releaseInPlace)(int*, int*);
  size_t (*aliases)(int**, int**);
  void (*releaseAliases)(int*, int*);
};

inline int64_t attribute(const KernelInfo* info, const char* name) {
  int64_t value = 0;
  call(86, info, name, &value); // KernelInfoGetAttribute_int64
  return value;
}

inline float fraction(const KernelInfo* info, const char* name) {
  float value = 0;
  call(85, info, name, &value); // KernelInfoGetAttribute_float
  return value;
}

/** An entry of the session's configuration; empty if there is none. */
inline std::string setting(const KernelInfo* info, const char* key) {
  void* entries = nullptr;
  call(391, info, &entries); // KernelInfo_GetConfigEntries
  const char* value = function<const char* (*)(void*, const char*)>(297)(entries, key); // GetKeyValue
  const std::string text = value == nullptr ? "" : value;
  function<void (*)(void*)>(300)(entries); // ReleaseKeyValuePairs
  return text;
}

inline float* dataOf(Value* value) {
  void* data = nullptr;
  call(51, value, &data); // GetTensorMutableData
  return static_cast<float*>(data);
}

/** An input of so many values; null where an optional one is left out. */
inline const float* input(Context* context, size_t index, int64_t length) {
  size_t count = 0;
  call(88, static_cast<const Context*>(context), &count); // KernelContext_GetInputCount
  Value* value = nullptr;
  if (index < count) call(90, static_cast<const Context*>(context), index, &value); // KernelContext_GetInput
  if (value == nullptr) return nullptr;
  void* shape = nullptr;
  size_t found = 0;
  call(65, value, &shape);                // GetTensorTypeAndShape
  Status* status = tried(64, shape, &found); // GetTensorShapeElementCount
  function<void (*)(void*)>(99)(shape);   // ReleaseTensorTypeAndShapeInfo
  if (status != nullptr || static_cast<int64_t>(found) != length)
    throw std::runtime_error("Expected " + std::to_string(length) + " values for input " + std::to_string(index) + ", got " +
                             std::to_string(found));
  return dataOf(value);
}

inline float* output(Context* context, size_t index, const int64_t* dims, size_t rank) {
  Value* value = nullptr;
  call(91, context, index, dims, rank, &value); // KernelContext_GetOutput
  return dataOf(value);
}

}  // namespace ort
