// The operators of the domain `facehand`: convolutions whose operands are rounded to bf16 and whose sums are float32.
//   Bf16Conv(x, w, bias?, sum?)   y; with the attribute `back`, the gradient of x of that of y
//   Bf16ConvWeights(x, dy)        the gradient of w
// Maps are in blocks of 16 channels, weights in float32 and torch's order. Attributes: a convolution's sizes (see Conv).
#include <mutex>

#include "convolve.h"
#include "onnxruntime.h"
#include "weights.h"

namespace {

struct Kernel {
  Conv conv;
  bool back;
};

int size(const ort::KernelInfo* info, const char* name, int low, int high) {
  const int64_t value = ort::attribute(info, name);
  if (value >= low && value <= high) return static_cast<int>(value);
  throw std::runtime_error(std::string("Expected ") + name + " from " + std::to_string(low) + " to " + std::to_string(high) +
                           ", got " + std::to_string(value));
}

/** What a convolution of odd attributes would read lies outside of its maps. */
Kernel described(const ort::KernelInfo* info) {
  constexpr int MOST = 1 << 16;
  const auto each = [&](const char* name) { return size(info, name, 1, MOST); };
  Conv c{each("n"), each("c"), each("o"), each("h"), each("w"), each("ho"), each("wo"),
         size(info, "k", 1, 3), size(info, "s", 1, 2), 0, 1};
  c.P = (c.K - 1) / 2;
  const auto out = [&](int length) { return (length + 2 * c.P - c.K) / c.S + 1; };
  if (c.K == 2 || c.Ho != out(c.H) || c.Wo != out(c.W))
    throw std::runtime_error("Expected a kernel of 1 or 3, padded on all sides, got other sizes");
  if (c.C % 4 != 0 || c.O % 4 != 0) throw std::runtime_error("Expected channels in fours, got others");
  const std::string threads = ort::setting(info, "facehand.threads");
  c.threads = threads.empty() ? 1 : std::max(1, atoi(threads.c_str()));
  return {c, size(info, "back", 0, 1) == 1};
}

ort::Status* create(const ort::Operator*, const void* const* api, const ort::KernelInfo* info, void** kernel) {
  ort::table = api;
  return ort::guarded([&] { *kernel = new Kernel(described(info)); });
}

/** On the threads of the session; what a part throws is thrown here. */
Parallel onThreads(ort::Context* context, int threads) {
  return [context, threads](int n, const std::function<void(int)>& work) {
    if (threads < 2 || n < 2) {
      for (int i = 0; i < n; i++) work(i);
      return;
    }
    struct Shared {
      const std::function<void(int)>& work;
      std::mutex mutex;
      std::string fault;
    } shared{work, {}, {}};
    const auto part = [](void* to, size_t i) {
      auto& [work, mutex, fault] = *static_cast<Shared*>(to);
      try {
        work(static_cast<int>(i));
      } catch (const std::exception& error) {
        const std::lock_guard<std::mutex> lock(mutex);
        fault = error.what();
      }
    };
    using Part = void (*)(void*, size_t);
    ort::call(274, static_cast<const ort::Context*>(context), static_cast<Part>(part), static_cast<size_t>(n), static_cast<size_t>(0),
              static_cast<void*>(&shared)); // KernelContext_ParallelFor
    if (!shared.fault.empty()) throw std::runtime_error(shared.fault);
  };
}

/** Channels of a map in whole blocks. */
int64_t padded(int channels) { return static_cast<int64_t>(LANES) * blocksOf(channels); }
int64_t valuesOf(const int64_t (&dims)[4]) { return dims[0] * dims[1] * dims[2] * dims[3]; }

const float* required(const float* values) {
  if (values == nullptr) throw std::runtime_error("Expected two inputs, got fewer");
  return values;
}

ort::Status* runConv(void* kernel, ort::Context* context) {
  return ort::guarded([&] {
    const auto& [c, back] = *static_cast<Kernel*>(kernel);
    const int64_t x[4] = {c.N, padded(c.C), c.H, c.W}, y[4] = {c.N, padded(c.O), c.Ho, c.Wo};
    const auto& from = back ? y : x;
    const auto& to = back ? x : y;
    const float* map = required(ort::input(context, 0, valuesOf(from)));
    const float* w = required(ort::input(context, 1, static_cast<int64_t>(c.O) * c.C * c.K * c.K));
    const float* bias = ort::input(context, 2, to[1]);
    const float* sum = ort::input(context, 3, valuesOf(to));
    convolve(c, back, map, w, bias, sum, ort::output(context, to), onThreads(context, c.threads));
  });
}

ort::Status* runWeights(void* kernel, ort::Context* context) {
  return ort::guarded([&] {
    const Conv& c = static_cast<Kernel*>(kernel)->conv;
    const int64_t x[4] = {c.N, padded(c.C), c.H, c.W}, y[4] = {c.N, padded(c.O), c.Ho, c.Wo}, dw[4] = {c.O, c.C, c.K, c.K};
    const float* map = required(ort::input(context, 0, valuesOf(x)));
    const float* dy = required(ort::input(context, 1, valuesOf(y)));
    weightGradient(c, map, dy, ort::output(context, dw), onThreads(context, c.threads));
  });
}

ort::Operator described(bool weights) {
  ort::Operator op{};
  op.version = ort::VERSION;
  op.create = create;
  op.run = weights ? runWeights : runConv;
  op.destroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  op.name = weights ? [](const ort::Operator*) { return "Bf16ConvWeights"; } : [](const ort::Operator*) { return "Bf16Conv"; };
  op.provider = [](const ort::Operator*) -> const char* { return nullptr; }; // the CPU
  op.inputType = op.outputType = [](const ort::Operator*, size_t) { return ort::FLOAT; };
  op.inputs = weights ? [](const ort::Operator*) { return size_t{2}; } : [](const ort::Operator*) { return size_t{4}; };
  op.outputs = [](const ort::Operator*) { return size_t{1}; };
  op.inputKind = [](const ort::Operator*, size_t i) { return i < 2 ? ort::REQUIRED : ort::OPTIONAL; };
  op.outputKind = [](const ort::Operator*, size_t) { return ort::REQUIRED; };
  op.inputMemory = [](const ort::Operator*, size_t) { return 0; };
  op.firstVersion = op.lastVersion = [](const ort::Operator*) { return 1; };
  op.inputArity = op.inputsAlike = op.outputArity = op.outputsAlike = [](const ort::Operator*) { return 1; };
  op.inPlace = op.aliases = [](int**, int**) { return size_t{0}; };
  op.releaseInPlace = op.releaseAliases = [](int*, int*) {};
  return op;
}

}  // namespace

/** Called by the runtime for each session that names this library. */
extern "C" ort::Status* RegisterCustomOps(ort::Options* options, const ort::Base* base) {
  ort::table = base->getApi(ort::VERSION);
  static const ort::Operator conv = described(false), weights = described(true);
  static std::mutex mutex;
  static void* domain = nullptr; // one for all sessions; nothing frees it, as sessions refer to it
  const std::lock_guard<std::mutex> lock(mutex);
  if (domain == nullptr) {
    void* made = nullptr;
    if (auto* status = ort::tried(26, "facehand", &made)) return status; // CreateCustomOpDomain
    for (const ort::Operator* op : {&conv, &weights})
      if (auto* status = ort::tried(27, made, op)) return status; // CustomOpDomain_Add
    domain = made;
  }
  return ort::tried(28, options, domain); // AddCustomOpDomain
}
