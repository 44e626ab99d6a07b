// What all kernels stand on: vectors of 16 channels (AVX-512), pairs of bf16 values, memory that is used again.
// Maps are ONNX Runtime's NCHWc with blocks of 16: [N, C/16, H, W, 16], float32. A product takes two bf16 values at once
// (VDPBF16PS: a sum in float32 plus x0 w0 + x1 w1), so that what is multiplied is first rounded to bf16 and laid out in pairs.
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

using bf16 = uint16_t;
/** Runs `f` of 0 to n - 1, on the threads of the session. */
using Parallel = std::function<void(int n, const std::function<void(int)>& f)>;

constexpr int LANES = 16;
/** bf16 values in a vector. */
constexpr int PAIRED = 32;

/** One convolution: x [N, C, H, W], weights [O, C, K, K] in float32 and torch's order, y [N, O, Ho, Wo]. */
struct Conv {
  int N, C, O, H, W, Ho, Wo;
  /** Kernel 1 or 3, stride 1 or 2, padding (K - 1) / 2 on all sides. */
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
/** Pairs of channels in the last block; other blocks have 8. */
inline int lastPairsOf(int channels) { return (channels - LANES * (blocksOf(channels) - 1) + 1) / 2; }

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

/** Rows become columns. */
inline void transpose(__m512 r[16]) {
  __m512 t[16];
  UNROLL for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    r[4 * i] = _mm512_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm512_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm512_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm512_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0xdd);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0xdd);
    r[4 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88);
    r[12 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

/** Pairs (a_i, b_i), rounded to the nearest bf16, ties to even. */
inline __m512i weave(__m512 a, __m512 b) {
  static const __m512i order = [] {
    alignas(64) uint16_t places[PAIRED];
    for (int i = 0; i < LANES; i++) {
      places[2 * i] = i;
      places[2 * i + 1] = LANES + i;
    }
    return _mm512_load_si512(places);
  }();
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(b, a));
}

/** The pair at p in all lanes. */
inline __m512i spread(const bf16* p) {
  int pair;
  memcpy(&pair, p, sizeof pair);
  return _mm512_set1_epi32(pair);
}

/** sum + w0 x0 + w1 x1 in each lane. */
inline __m512 dot(__m512 sum, __m512i w, __m512i x) { return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x); }
