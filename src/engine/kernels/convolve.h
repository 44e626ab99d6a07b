// The convolution, and its gradient towards the input, which is one too: of dy, for each phase of the stride (see phases.ts).
// Lanes are output channels; a kernel call holds the sums of up to 14 pixels and 3 blocks of them in registers, and goes through
// all pairs of input channels and taps. A map is padded and rounded to bf16 once for all of its output channels.
#pragma once
#include "vectors.h"

/** What a kernel call reads and writes; steps are in elements. */
struct Tile {
  const bf16* x;
  long xRow, xPlane;
  const bf16* w;
  /** Blocks of input channels, and pairs in the last of them. */
  int blocks, lastPairs;
  int taps;
  /** By tap: where it lies from x. */
  const long* offsets;
  float* y;
  long yPixel, yRow, yBlock;
  /** Or null. */
  const float *bias, *sum;
};

/** OB blocks of output channels, TR rows, TC columns, of a map whose pixels are read S apart. */
template <int OB, int TR, int TC, int S>
void tile(const Tile& t) {
  __m512 sums[OB][TR][TC];
  UNROLL for (int o = 0; o < OB; o++) {
    const __m512 first = t.bias != nullptr ? _mm512_loadu_ps(t.bias + LANES * o) : _mm512_setzero_ps();
    UNROLL for (int r = 0; r < TR; r++) UNROLL for (int c = 0; c < TC; c++) sums[o][r][c] = first;
  }
  const bf16* w = t.w;
  const long xRow = t.xRow;
  for (int k = 0; k < t.blocks; k++) {
    const int pairs = k + 1 == t.blocks ? t.lastPairs : 8;
    for (int q = 0; q < t.taps; q++) {
      const bf16* x = t.x + k * t.xPlane + t.offsets[q];
      const bf16* end = w + pairs * OB * PAIRED;
      for (; w != end; w += OB * PAIRED, x += 2) {
        __m512i ws[OB];
        UNROLL for (int o = 0; o < OB; o++) ws[o] = _mm512_load_si512(w + o * PAIRED);
        UNROLL for (int r = 0; r < TR; r++) UNROLL for (int c = 0; c < TC; c++) {
          const __m512i xs = spread(x + r * xRow + c * S * LANES);
          UNROLL for (int o = 0; o < OB; o++) sums[o][r][c] = dot(sums[o][r][c], ws[o], xs);
        }
      }
    }
  }
  UNROLL for (int o = 0; o < OB; o++) UNROLL for (int r = 0; r < TR; r++) UNROLL for (int c = 0; c < TC; c++) {
    const long at = o * t.yBlock + r * t.yRow + c * t.yPixel;
    __m512 value = sums[o][r][c];
    if (t.sum != nullptr) value = _mm512_add_ps(value, _mm512_loadu_ps(t.sum + at));
    _mm512_storeu_ps(t.y + at, value);
  }
}

using TileKernel = void (*)(const Tile&);
/** Pixels whose sums fit the 32 registers, by the number of blocks. */
constexpr int MOST_PIXELS[4] = {0, 14, 14, 9};

template <int OB, int TR, int TC, int S>
constexpr TileKernel ifItFits() {
  if constexpr (TR * TC <= MOST_PIXELS[OB]) return tile<OB, TR, TC, S>;
  else return nullptr;
}
template <int OB, int TR, int S, int... I>
TileKernel byColumns(int columns, std::integer_sequence<int, I...>) {
  static const TileKernel kernels[] = {ifItFits<OB, TR, I + 1, S>()...};
  return kernels[columns - 1];
}
template <int TR, int S>
TileKernel byBlocks(int blocks, int columns) {
  constexpr std::make_integer_sequence<int, 14> all;
  if (blocks == 1) return byColumns<1, TR, S>(columns, all);
  return blocks == 2 ? byColumns<2, TR, S>(columns, all) : byColumns<3, TR, S>(columns, all);
}
template <int S>
TileKernel tileKernel(int blocks, int rows, int columns) {
  return rows == 1 ? byBlocks<1, S>(blocks, columns) : byBlocks<2, S>(blocks, columns);
}

/**
 * Weights from torch's [O][C][taps] into pairs: [group][input block][tap][pair][block of the group][16 lanes][2].
 *
 * @param taps - those that are wanted, by their place in the kernel
 * @param back - for the gradient: the lanes are C, the pairs of O
 */
inline void packWeights(const float* w, const Conv& c, const std::vector<int>& taps, bool back, bf16* out, const Parallel& parallel) {
  const int area = c.K * c.K, tapCount = taps.size();
  const int reduced = back ? c.O : c.C, reducedBlocks = blocksOf(reduced);
  const auto groups = groupsOf(blocksOf(back ? c.C : c.O));
  parallel(groups.size(), [&](int g) {
    const auto [first, count] = groups[g];
    bf16* group = out + (long)first * reducedBlocks * tapCount * 8 * PAIRED;
    // 16 x 16 kernels at a time: rows are of output channels, columns[C x tap] of 16 output channels.
    alignas(64) float rows[LANES][LANES * 9], columns[LANES * 9][LANES];
    for (int s = 0; s < count; s++) for (int k = 0; k < reducedBlocks; k++) {
      const int firstO = LANES * (back ? k : first + s), firstC = LANES * (back ? first + s : k);
      const int os = std::min(LANES, c.O - firstO), cs = std::min(LANES, c.C - firstC);
      for (int o = 0; o < LANES; o++) {
        const int filled = o < os ? cs * area : 0; // zeros are what missing channels weigh
        if (filled > 0) memcpy(rows[o], w + ((long)(firstO + o) * c.C + firstC) * area, filled * sizeof(float));
        memset(rows[o] + filled, 0, (LANES * area - filled) * sizeof(float));
      }
      for (int a = 0; a < area; a++) {
        __m512 r[16];
        UNROLL for (int o = 0; o < LANES; o++) r[o] = _mm512_load_ps(rows[o] + LANES * a);
        transpose(r);
        UNROLL for (int o = 0; o < LANES; o++) _mm512_store_ps(columns[LANES * a + o], r[o]);
      }
      const int pairs = k + 1 == reducedBlocks ? lastPairsOf(reduced) : 8;
      for (int q = 0; q < tapCount; q++) {
        __m512 r[16]; // by input channel, of 16 output channels; transposed for the gradient
        UNROLL for (int i = 0; i < LANES; i++) r[i] = _mm512_load_ps(columns[i * area + taps[q]]);
        if (back) transpose(r);
        bf16* to = group + ((long)k * tapCount * 8 + (long)q * pairs) * count * PAIRED;
        for (int j = 0; j < pairs; j++)
          _mm512_store_si512(to + (j * count + s) * PAIRED, weave(r[2 * j], r[2 * j + 1]));
      }
    }
  });
}

/** Zeros around a map. */
struct Margin {
  int top, left, bottom, right;
};

/** One image in bf16, with its margin. */
inline void padImage(const float* x, int blocks, int height, int width, const Margin& m, bf16* out) {
  const auto zeros = [&](long pixels) {
    memset(out, 0, pixels * LANES * sizeof(bf16));
    out += pixels * LANES;
  };
  const long wide = m.left + width + m.right;
  for (int k = 0; k < blocks; k++) {
    zeros(m.top * wide);
    for (int h = 0; h < height; h++) {
      zeros(m.left);
      int i = 0;
      for (; i + 2 <= width; i += 2, x += 2 * LANES, out += 2 * LANES)
        _mm512_storeu_si512(out, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + LANES), _mm512_loadu_ps(x)));
      if (i < width) {
        _mm256_storeu_si256((__m256i*)out, (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x)));
        x += LANES;
        out += LANES;
      }
      zeros(m.right);
    }
    zeros(m.bottom * wide);
  }
}

/** Output pixels that meet the same taps: all of a convolution's, or those of one phase of the stride of its gradient. */
struct Phase {
  std::vector<int> taps;
  std::vector<long> offsets;
  int firstRow, firstColumn, rows, columns;
  /** Between its pixels in the output. */
  int step;
};

inline std::vector<Phase> phasesOf(const Conv& c, bool back, int height, int width, const Margin& m, long wide) {
  std::vector<Phase> phases;
  const int stride = back ? c.S : 1;
  for (int a = 0; a < stride; a++) for (int b = 0; b < stride; b++) {
    Phase p{{}, {}, a, b, (height - a + stride - 1) / stride, (width - b + stride - 1) / stride, stride};
    for (int i = 0; i < c.K; i++) for (int j = 0; j < c.K; j++) {
      // Tap i meets row h of x in row (h + P - i) / S of dy, where that is whole; + 4 keeps what is divided from being negative.
      if (back && ((a + c.P - i + 4) % c.S != 0 || (b + c.P - j + 4) % c.S != 0)) continue;
      const int row = back ? (a + c.P - i) / c.S + m.top : i, column = back ? (b + c.P - j) / c.S + m.left : j;
      p.taps.push_back(i * c.K + j);
      p.offsets.push_back((row * wide + column) * LANES);
    }
    phases.push_back(p);
  }
  return phases;
}

/**
 * y of x; with `back`, the gradient of x (in `y`) of that of y (in `x`).
 *
 * @param bias - of 16-channel blocks, or null; added to y
 * @param sum - a map like y, or null; added to y
 */
inline void convolve(const Conv& c, bool back, const float* x, const float* w, const float* bias, const float* sum, float* y,
                     const Parallel& parallel) {
  static thread_local Scratch packed;
  const int inBlocks = blocksOf(back ? c.O : c.C), outBlocks = blocksOf(back ? c.C : c.O);
  int inHeight = back ? c.Ho : c.H, inWidth = back ? c.Wo : c.W;
  int outHeight = back ? c.H : c.Ho, outWidth = back ? c.W : c.Wo;
  if (c.K == 1 && c.S == 1) { // one long row: fewer pieces that are narrow
    inWidth *= inHeight;
    outWidth = inWidth;
    inHeight = outHeight = 1;
  }
  const int xStep = back ? 1 : c.S;
  Margin m;
  if (back) m.top = m.left = m.bottom = m.right = c.S == 1 ? c.K - 1 - c.P : 1;
  else
    m = {c.P, c.P, std::max(0, (outHeight - 1) * c.S + c.K - inHeight - c.P), std::max(0, (outWidth - 1) * c.S + c.K - inWidth - c.P)};
  const long wide = m.left + inWidth + m.right, plane = (m.top + inHeight + m.bottom) * wide * LANES;
  const auto phases = phasesOf(c, back, outHeight, outWidth, m, wide);
  std::vector<long> at;
  long length = 0;
  for (const auto& p : phases) {
    at.push_back(length);
    length += (long)outBlocks * inBlocks * p.taps.size() * 8 * PAIRED;
  }
  bf16* weights = packed.get<bf16>(length + PAIRED);
  for (size_t i = 0; i < phases.size(); i++) packWeights(w, c, phases[i].taps, back, weights + at[i], parallel);
  const auto groups = groupsOf(outBlocks);
  const int lastPairs = lastPairsOf(back ? c.O : c.C);
  parallel(c.N, [&](int n) {
    static thread_local Scratch image;
    bf16* map = image.get<bf16>(inBlocks * plane);
    padImage(x + (long)n * inBlocks * inHeight * inWidth * LANES, inBlocks, inHeight, inWidth, m, map);
    const long yBlock = (long)outHeight * outWidth * LANES;
    for (size_t i = 0; i < phases.size(); i++) {
      const Phase& p = phases[i];
      for (const auto& [first, count] : groups) {
        // A row in pieces of about equal width; two rows at once where both fit.
        const int most = MOST_PIXELS[count], pieces = (p.columns + most - 1) / most;
        const int together = pieces == 1 && 2 * p.columns <= most ? 2 : 1;
        for (int h = 0; h < p.rows; h += together) for (int q = 0; q < pieces; q++) {
          const int rows = std::min(together, p.rows - h);
          const int left = p.columns * q / pieces, columns = p.columns * (q + 1) / pieces - left;
          const long to = ((long)n * outBlocks + first) * yBlock +
                          ((long)(p.firstRow + h * p.step) * outWidth + p.firstColumn + left * p.step) * LANES;
          const Tile t{
              map + ((long)h * xStep * wide + left * xStep) * LANES, xStep * wide * LANES, plane,
              weights + at[i] + (long)first * inBlocks * p.taps.size() * 8 * PAIRED, inBlocks, lastPairs, (int)p.taps.size(), p.offsets.data(),
              y + to, (long)p.step * LANES, (long)p.step * outWidth * LANES, yBlock,
              bias == nullptr ? nullptr : bias + LANES * first, sum == nullptr ? nullptr : sum + to};
          (xStep == 1 ? tileKernel<1> : tileKernel<2>)(count, rows, columns)(t);
        }
      }
    }
  });
}
