// What all kernels stand on: vectors of a block's channels, memory that is used again, shares of work.
// Maps are ONNX Runtime's NCHWc, float32: [N, C/b, H, W, b], with blocks of b = 16 channels by AVX-512 and of 8 by AVX2.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <utility>
#include <vector>

// Arrays of vectors stay in registers only where loops over them are unrolled.
#define UNROLL _Pragma("GCC unroll 32")

/** Runs `f` of 0 to n - 1, on the threads of the session. */
using Parallel = std::function<void(int n, const std::function<void(int)>& f)>;

#ifdef __AVX512F__
constexpr int LANES = 16;
using Vec = __m512;
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline Vec all(float value) { return _mm512_set1_ps(value); }
/** a b + c, rounded once. */
inline Vec fused(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec root(Vec v) { return _mm512_sqrt_ps(v); }
#else
constexpr int LANES = 8;
using Vec = __m256;
inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
inline Vec all(float value) { return _mm256_set1_ps(value); }
inline Vec fused(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec root(Vec v) { return _mm256_sqrt_ps(v); }
#endif

/** One convolution: x [N, C, H, W], weights [O, C, K, K] in torch's order, y [N, O, Ho, Wo]. */
struct Conv {
  int N, C, O, H, W, Ho, Wo;
  /** Side of the kernel, stride, rows of zeros above and columns on the left. */
  int K, S, P;
  int threads;
};

/** Memory of a thread for one purpose: grows, and is freed with the thread. What was in it is lost where it grows. */
class Scratch {
  void* memory = nullptr;
  size_t bytes = 0;

 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  ~Scratch() { free(memory); }
  template <class T>
  T* get(size_t count) {
    const size_t wanted = (count * sizeof(T) + 63) / 64 * 64;
    if (wanted > bytes) {
      free(memory);
      memory = aligned_alloc(64, wanted);
      bytes = memory == nullptr ? 0 : wanted;
      if (memory == nullptr) throw std::bad_alloc();
    }
    return static_cast<T*>(memory);
  }
};

/** Blocks of channels. */
inline int blocksOf(int channels) { return (channels + LANES - 1) / LANES; }
/** Blocks of output channels that one kernel call computes together: its first block, and how many. */
using Group = std::pair<int, int>;

/** Groups of two, of which each value of the input that is loaded serves two products; an odd number begins with three, or is one. */
inline std::vector<Group> groupsOf(int blocks) {
  if (blocks == 1) return {{0, 1}};
  std::vector<Group> groups;
  int at = 0;
  if (blocks % 2 == 1) {
    groups.push_back({0, 3});
    at = 3;
  }
  for (; at < blocks; at += 2) groups.push_back({at, 2});
  return groups;
}

/** A part of the work: some groups of output channels, all input channels; or the other way around. */
struct Share {
  int firstGroup, groups, firstBlock, blocks;
};

inline std::vector<Share> sharesOf(int groups, int blocks, int threads) {
  const bool byGroups = groups >= blocks;
  const int parts = std::min(byGroups ? groups : blocks, threads);
  std::vector<Share> shares;
  for (int i = 0; i < parts; i++) {
    const auto from = [&](int all) { return all * i / parts; };
    const auto count = [&](int all) { return all * (i + 1) / parts - all * i / parts; };
    if (byGroups) shares.push_back({from(groups), count(groups), 0, blocks});
    else shares.push_back({0, groups, from(blocks), count(blocks)});
  }
  return shares;
}
