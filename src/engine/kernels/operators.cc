// The operators of the domain `facehand`, in float32. Maps are in blocks of channels (see vectors.h), weights in torch's order.
//   WinogradConv (x, w, bias?, sum?)                 y; with the attribute `back`, the gradient of x of that of y
//   WinogradConvWeights, DirectConvWeights (x, dy)   the gradient of w; Winograd's are of 3x3 kernels at stride 1
//   StemConvWeights (x, dy)                          the same for an image x in planes, as torch has it
//   SiluGrad, ClipGrad (x, dy)                       the gradient of x; ClipGrad's is dy where 0 < x < high
//   ChannelSums (x, y, f?, s?)                       sums of y and of x y by channel, where 0 < x f + s < high
//   AffineSum (x, a, y, b, c, f?, s?)                x a + y b + c by channel, with x where 0 < y f + s < high and else 0
//   MaxPoolGrad (x, y, dy)                           the gradient of x
//   AdamW (p, g, m, v, keep, rate, scale, floor)     p, m and v after a step; attributes length, beta1, beta2
// Attributes: sizes of the map x (n, c, h, w), of what a window makes of it (o, ho, wo), and of the window (k, s, p); `high`, 0 for
// infinity.
#include <limits>
#include <mutex>

#include "maps.h"
#include "onnxruntime.h"
#include "winograd.h"

namespace {

struct Kernel {
  Conv conv;
  /** `back`, `high` or `length`. */
  int option;
  float beta1 = 0, beta2 = 0;
};

int size(const ort::KernelInfo* info, const char* name, int low, int high) {
  const int64_t value = ort::attribute(info, name);
  if (value >= low && value <= high) return static_cast<int>(value);
  throw std::runtime_error(std::string("Expected ") + name + " from " + std::to_string(low) + " to " + std::to_string(high) +
                           ", got " + std::to_string(value));
}

constexpr int MOST = 1 << 16;

int threadsOf(const ort::KernelInfo* info) {
  const std::string threads = ort::setting(info, "facehand.threads");
  return threads.empty() ? 1 : std::max(1, atoi(threads.c_str()));
}

/** A map, for operators that read no more. */
Conv mapOf(const ort::KernelInfo* info) {
  const auto each = [&](const char* name) { return size(info, name, 1, MOST); };
  return {each("n"), each("c"), 0, each("h"), each("w"), 0, 0, 1, 1, 0, threadsOf(info)};
}

/** Maps in blocks have channels in fours. */
Conv inBlocks(const Conv& c) {
  if (c.C % 4 != 0 || c.O % 4 != 0) throw std::runtime_error("Expected channels in fours, got others");
  return c;
}

/** Adds a window; what one of odd attributes would read lies outside of its map. */
Conv windowOf(Conv c, const ort::KernelInfo* info) {
  c.K = size(info, "k", 1, 16);
  c.S = size(info, "s", 1, 16);
  c.P = size(info, "p", 0, c.K - 1);
  c.Ho = size(info, "ho", 1, (c.H - 1 + c.P) / c.S + 1);
  c.Wo = size(info, "wo", 1, (c.W - 1 + c.P) / c.S + 1);
  return c;
}

Kernel stem(const ort::KernelInfo* info) {
  Conv c = windowOf(mapOf(info), info);
  c.O = size(info, "o", 4, MOST);
  return {c, 0};
}

Kernel convolution(const ort::KernelInfo* info) {
  const Conv c = inBlocks(stem(info).conv);
  if ((c.K != 1 && c.K != 3) || c.S > 2) throw std::runtime_error("Expected a kernel of 1 or 3 at stride 1 or 2, got others");
  return {c, size(info, "back", 0, 1)};
}

Kernel winograd(const ort::KernelInfo* info) {
  const Kernel made = convolution(info);
  const Conv& c = made.conv;
  if (c.K != 3 || c.S != 1 || c.P != 1 || c.Ho != c.H || c.Wo != c.W)
    throw std::runtime_error("Expected a kernel of 3 at stride 1 that makes a map of the same size, got others");
  return made;
}

Kernel pool(const ort::KernelInfo* info) { return {inBlocks(windowOf(mapOf(info), info)), 0}; }
Kernel optimizer(const ort::KernelInfo* info) {
  Conv c{};
  c.threads = threadsOf(info);
  return {c, size(info, "length", 1, std::numeric_limits<int>::max()), ort::fraction(info, "beta1"), ort::fraction(info, "beta2")};
}
Kernel map(const ort::KernelInfo* info) { return {inBlocks(mapOf(info)), 0}; }
Kernel clip(const ort::KernelInfo* info) { return {inBlocks(mapOf(info)), size(info, "high", 0, MOST)}; }

template <Kernel (*described)(const ort::KernelInfo*)>
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

/** Runs one operator: its inputs and outputs by number, checked. */
struct Run {
  const Kernel& kernel;
  ort::Context* context;
  const Conv& c = kernel.conv;
  const int64_t xDims[4] = {c.N, padded(c.C), c.H, c.W}, yDims[4] = {c.N, padded(c.O == 0 ? c.C : c.O), c.Ho, c.Wo};
  const int64_t wDims[4] = {c.O, c.C, c.K, c.K}, channels[1] = {padded(c.C)};
  const int64_t x = valuesOf(xDims), y = valuesOf(yDims), w = valuesOf(wDims);
  const Parallel threads = onThreads(context, c.threads);

  /** Null where it is left out. */
  const float* optional(size_t i, int64_t length) const { return ort::input(context, i, length); }
  const float* in(size_t i, int64_t length) const {
    const float* values = optional(i, length);
    if (values == nullptr) throw std::runtime_error("Expected input " + std::to_string(i) + ", got none");
    return values;
  }
  template <size_t RANK>
  float* out(const int64_t (&dims)[RANK], size_t i = 0) const { return ort::output(context, i, dims, RANK); }
};

using Work = void (*)(const Run&);

void runConv(const Run& r) {
  const bool back = r.kernel.option == 1;
  const auto& to = back ? r.xDims : r.yDims;
  winogradConvolve(r.c, back, r.in(0, back ? r.y : r.x), r.in(1, r.w), r.optional(2, to[1]), r.optional(3, back ? r.x : r.y), r.out(to),
                   r.threads);
}
template <decltype(&directWeights) gradient>
void runWeights(const Run& r) { gradient(r.c, r.in(0, r.x), r.in(1, r.y), r.out(r.wDims), r.threads); }
void runStem(const Run& r) { stemWeights(r.c, r.in(0, (int64_t)r.c.N * r.c.C * r.c.H * r.c.W), r.in(1, r.y), r.out(r.wDims), r.threads); }
void runSilu(const Run& r) { siluGradient(r.x / LANES, r.in(0, r.x), r.in(1, r.x), r.out(r.xDims), r.threads); }
float highOf(const Run& r) { return r.kernel.option == 0 ? std::numeric_limits<float>::infinity() : r.kernel.option; }
void runClip(const Run& r) { clipGradient(r.x / LANES, highOf(r), r.in(0, r.x), r.in(1, r.x), r.out(r.xDims), r.threads); }
Gate gateOf(const Run& r, size_t at) {
  const float* factor = r.optional(at, r.channels[0]);
  return {factor, factor == nullptr ? nullptr : r.in(at + 1, r.channels[0]), highOf(r)};
}
void runSums(const Run& r) {
  const Gate g = gateOf(r, 2);
  (g.factor == nullptr ? channelSums<false> : channelSums<true>)(r.c, r.in(0, r.x), r.in(1, r.x), g, r.out(r.channels, 0), r.out(r.channels, 1),
                                                                 r.threads);
}
void runAffine(const Run& r) {
  const auto vector = [&](size_t i) { return r.in(i, r.channels[0]); };
  const Gate g = gateOf(r, 5);
  (g.factor == nullptr ? affineSum<false> : affineSum<true>)(r.c, r.in(0, r.x), vector(1), r.in(2, r.x), vector(3), vector(4), g, r.out(r.xDims),
                                                             r.threads);
}
void runPool(const Run& r) { maxPoolGradient(r.c, r.in(0, r.x), r.in(1, r.y), r.in(2, r.y), r.out(r.xDims), r.threads); }

void runAdamW(const Run& r) {
  const int64_t n = r.kernel.option, length[1] = {n};
  const auto scalar = [&](size_t i) { return *r.in(i, 1); };
  const AdamW a{r.kernel.beta1, r.kernel.beta2, scalar(6), scalar(4), scalar(5), scalar(7)};
  adamw(n, a, r.in(0, n), r.in(1, n), r.in(2, n), r.in(3, n), r.out(length, 0), r.out(length, 1), r.out(length, 2), r.threads);
}

template <Work work>
ort::Status* run(void* kernel, ort::Context* context) {
  return ort::guarded([&] { work(Run{*static_cast<Kernel*>(kernel), context}); });
}

template <size_t N>
size_t number(const ort::Operator*) { return N; }

/** @tparam REQUIRED - inputs that may not be left out, of INPUTS */
template <Kernel (*described)(const ort::KernelInfo*), Work work, size_t INPUTS, size_t REQUIRED = INPUTS, size_t OUTPUTS = 1>
ort::Operator made(decltype(ort::Operator::name) name) {
  ort::Operator op{};
  op.version = ort::VERSION;
  op.create = create<described>;
  op.run = run<work>;
  op.destroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  op.name = name;
  op.provider = [](const ort::Operator*) -> const char* { return nullptr; }; // the CPU
  op.inputType = op.outputType = [](const ort::Operator*, size_t) { return ort::FLOAT; };
  op.inputs = number<INPUTS>;
  op.outputs = number<OUTPUTS>;
  op.inputKind = [](const ort::Operator*, size_t i) { return i < REQUIRED ? ort::REQUIRED : ort::OPTIONAL; };
  op.outputKind = [](const ort::Operator*, size_t) { return ort::REQUIRED; };
  op.inputMemory = [](const ort::Operator*, size_t) { return 0; };
  op.firstVersion = op.lastVersion = [](const ort::Operator*) { return 1; };
  op.inputArity = op.inputsAlike = op.outputArity = op.outputsAlike = [](const ort::Operator*) { return 1; };
  op.inPlace = op.aliases = [](int**, int**) { return size_t{0}; };
  op.releaseInPlace = op.releaseAliases = [](int*, int*) {};
  return op;
}

}  // namespace

/** Called by the runtime for each session that names this library. All else is hidden: another library may have the same names. */
extern "C" __attribute__((visibility("default"))) ort::Status* RegisterCustomOps(ort::Options* options, const ort::Base* base) {
  ort::table = base->getApi(ort::VERSION);
  using Op = const ort::Operator*;
  static const ort::Operator operators[] = {
      made<winograd, runConv, 4, 2>([](Op) { return "WinogradConv"; }),
      made<winograd, runWeights<winogradWeights>, 2>([](Op) { return "WinogradConvWeights"; }),
      made<convolution, runWeights<directWeights>, 2>([](Op) { return "DirectConvWeights"; }),
      made<stem, runStem, 2>([](Op) { return "StemConvWeights"; }),
      made<map, runSilu, 2>([](Op) { return "SiluGrad"; }),
      made<clip, runClip, 2>([](Op) { return "ClipGrad"; }),
      made<clip, runSums, 4, 2, 2>([](Op) { return "ChannelSums"; }),
      made<clip, runAffine, 7, 5>([](Op) { return "AffineSum"; }),
      made<pool, runPool, 3>([](Op) { return "MaxPoolGrad"; }),
      made<optimizer, runAdamW, 8, 8, 3>([](Op) { return "AdamW"; }),
  };
  static std::mutex mutex;
  static void* domain = nullptr; // one for all sessions; nothing frees it, as sessions refer to it
  const std::lock_guard<std::mutex> lock(mutex);
  if (domain == nullptr) {
    void* made = nullptr;
    if (auto* status = ort::tried(26, "facehand", &made)) return status; // CreateCustomOpDomain
    for (const auto& op : operators)
      if (auto* status = ort::tried(27, made, &op)) return status; // CustomOpDomain_Add
    domain = made;
  }
  return ort::tried(28, options, domain); // AddCustomOpDomain
}
