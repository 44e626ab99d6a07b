// 3x3 convolutions at stride 1 and their gradients by Winograd's F(4x4, 3x3) in float32 (arXiv 1509.09308): a tile of 4x4 outputs
// takes 36 products for each pair of channels, not 144. Maps and kernels are taken to 36 points by small matrices (B, G), multiplied
// there, and taken back (A); the gradient of weights is the adjoint of the same: G^T (sum over tiles of A dy A^T * B^T x B) G.
#pragma once
#include "direct.h"

constexpr int POINTS = 36;

// The matrices, each along one axis.
inline void inputPoints(const Vec* d, Vec* p) { // B^T
  const Vec four = all(4), minusFive = all(-5), minusFour = all(-4);
  const Vec even = fused(minusFour, d[2], d[4]), odd = fused(minusFour, d[1], d[3]);
  const Vec near = d[4] - d[2], far = d[3] - d[1], twice = far + far;
  p[0] = fused(four, d[0], fused(minusFive, d[2], d[4]));
  p[1] = even + odd;
  p[2] = even - odd;
  p[3] = near + twice;
  p[4] = near - twice;
  p[5] = fused(four, d[1], fused(minusFive, d[3], d[5]));
}
inline void outputPixels(const Vec* p, Vec* y) { // A^T
  const Vec s1 = p[1] + p[2], d1 = p[1] - p[2], s2 = p[3] + p[4], d2 = p[3] - p[4];
  y[0] = p[0] + s1 + s2;
  y[1] = fused(all(2), d2, d1);
  y[2] = fused(all(4), s2, s1);
  y[3] = fused(all(8), d2, d1 + p[5]);
}
inline void outputPoints(const Vec* y, Vec* p) { // A
  const Vec s1 = y[0] + y[2], d1 = y[1] + y[3];
  const Vec s2 = fused(all(4), y[2], y[0]), half = fused(all(4), y[3], y[1]), d2 = half + half;
  p[0] = y[0];
  p[1] = s1 + d1;
  p[2] = s1 - d1;
  p[3] = s2 + d2;
  p[4] = s2 - d2;
  p[5] = y[3];
}
inline void kernelPoints(const Vec* g, Vec* p) { // G
  const Vec ends = (g[0] + g[2]) * all(-1.f / 6), middle = g[1] * all(-1.f / 6);
  const Vec low = fused(all(1.f / 24), g[0], g[2] * all(1.f / 6)), step = g[1] * all(1.f / 12);
  p[0] = g[0] * all(.25f);
  p[1] = ends + middle;
  p[2] = ends - middle;
  p[3] = low + step;
  p[4] = low - step;
  p[5] = g[2];
}
inline void kernelTaps(const Vec* p, Vec* g) { // G^T
  const Vec s1 = (p[1] + p[2]) * all(-1.f / 6), d1 = (p[2] - p[1]) * all(1.f / 6), s2 = p[3] + p[4], d2 = p[3] - p[4];
  g[0] = fused(all(.25f), p[0], fused(all(1.f / 24), s2, s1));
  g[1] = fused(all(1.f / 12), d2, d1);
  g[2] = fused(all(1.f / 6), s2, s1) + p[5];
}

/** A matrix along both axes: OUT x OUT values of IN x IN. */
template <int IN, int OUT, class Line>
inline __attribute__((always_inline)) void alongBoth(Line line, const Vec* from, Vec* to) {
  Vec columns[IN * OUT]; // [column][row]
  UNROLL for (int c = 0; c < IN; c++) {
    Vec column[IN];
    UNROLL for (int r = 0; r < IN; r++) column[r] = from[r * IN + c];
    line(column, columns + c * OUT);
  }
  UNROLL for (int r = 0; r < OUT; r++) {
    Vec row[IN];
    UNROLL for (int c = 0; c < IN; c++) row[c] = columns[c * OUT + r];
    line(row, to + r * OUT);
  }
}

/** The tiles of maps of one size: 4 x 4 pixels each, row by row, sample by sample. */
struct Tiles {
  int H, W, down, across, count;
  Tiles(const Conv& c) : H(c.H), W(c.W), down((H + 3) / 4), across((W + 3) / 4), count(c.N * down * across) {}

  struct Place {
    int sample, top, left;
  };
  Place at(int t) const {
    const int inSample = t % (down * across);
    return {t / (down * across), inSample / across * 4, inSample % across * 4};
  }
  /** SIDE x SIDE pixels of a plane from (top, left) on, zeros outside of it. */
  template <int SIDE>
  void read(const float* plane, int top, int left, Vec* to) const {
    const float* from = plane + ((long)top * W + left) * LANES;
    if (top >= 0 && left >= 0 && top + SIDE <= H && left + SIDE <= W) {
      UNROLL for (int r = 0; r < SIDE; r++) UNROLL for (int c = 0; c < SIDE; c++) to[r * SIDE + c] = load(from + ((long)r * W + c) * LANES);
      return;
    }
    for (int r = 0; r < SIDE; r++) for (int c = 0; c < SIDE; c++) {
      const bool inside = top + r >= 0 && top + r < H && left + c >= 0 && left + c < W;
      to[r * SIDE + c] = inside ? load(from + ((long)r * W + c) * LANES) : all(0);
    }
  }
};

/** Points of some tiles of a map of so many blocks: [point][block][tile][lanes], `most` tiles apart; blocks `first` to `end`. */
template <bool OF_INPUT>
void mapPoints(const Tiles& tiles, const float* map, int blocks, int first, int end, int from, int count, int most, float* out) {
  constexpr int SIDE = OF_INPUT ? 6 : 4;
  const long apart = (long)blocks * most * LANES;
  for (int k = first; k < end; k++) for (int t = 0; t < count; t++) {
    const auto [n, top, left] = tiles.at(from + t);
    Vec pixels[SIDE * SIDE], points[POINTS];
    const float* plane = map + ((long)n * blocks + k) * tiles.H * tiles.W * LANES;
    if constexpr (OF_INPUT) {
      tiles.read<6>(plane, top - 1, left - 1, pixels);
      alongBoth<6, 6>(inputPoints, pixels, points);
    } else {
      tiles.read<4>(plane, top, left, pixels);
      alongBoth<4, 6>(outputPoints, pixels, points);
    }
    float* to = out + ((long)k * most + t) * LANES;
    UNROLL for (int p = 0; p < POINTS; p++) store(to + p * apart, points[p]);
  }
}

/** Points of the kernels: [group][point][input channel][block of the group][lanes]; `back` exchanges O and C, the last tap first. */
inline void kernelsToPoints(const Conv& c, bool back, const float* w, float* out, const Parallel& parallel) {
  const int reduced = back ? c.O : c.C, lanes = back ? c.C : c.O;
  const auto groups = groupsOf(blocksOf(lanes));
  parallel(groups.size(), [&](int g) {
    const auto [first, count] = groups[g];
    float* group = out + (long)first * POINTS * reduced * LANES;
    alignas(64) float columns[LANES][9][LANES];
    for (int s = 0; s < count; s++) for (int k = 0; k < reduced; k += LANES) {
      const int lane0 = LANES * (first + s), ls = std::min(LANES, lanes - lane0), rs = std::min(LANES, reduced - k);
      if (ls < LANES) memset(columns, 0, sizeof columns); // zeros are what missing channels weigh
      for (int a = 0; a < (back ? rs : ls); a++) { // by output channel, as they lie
        const float* row = w + ((long)(back ? k + a : lane0 + a) * c.C + (back ? lane0 : k)) * 9;
        for (int b = 0; b < (back ? ls : rs); b++) for (int q = 0; q < 9; q++)
          (back ? columns[a][8 - q][b] : columns[b][q][a]) = row[b * 9 + q];
      }
      for (int i = 0; i < rs; i++) {
        Vec taps[9], points[POINTS];
        UNROLL for (int q = 0; q < 9; q++) taps[q] = load(columns[i][q]);
        alongBoth<3, 6>(kernelPoints, taps, points);
        for (int p = 0; p < POINTS; p++) store(group + (((long)p * reduced + k + i) * count + s) * LANES, points[p]);
      }
    }
  });
}

/** Tiles whose sums fit the registers, by the number of blocks. */
constexpr int MOST_TILES[4] = {0, LANES == 16 ? 14 : 12, LANES == 16 ? 14 : 6, LANES == 16 ? 9 : 4};

/** y[block][tile][lanes] of one point: sums over channels of x[input block][tile][lanes] and w[channel][block][lanes]. */
template <int OB, int T>
void multiply(const float* x, long xBlock, int channels, const float* w, float* y, long yBlock) {
  Vec sums[OB][T];
  UNROLL for (int o = 0; o < OB; o++) UNROLL for (int t = 0; t < T; t++) sums[o][t] = all(0);
  for (int c0 = 0; c0 < channels; c0 += LANES, x += xBlock) {
    const float* end = w + (long)std::min(LANES, channels - c0) * OB * LANES;
    for (const float* at = x; w != end; w += OB * LANES, at++) {
      Vec ws[OB];
      UNROLL for (int o = 0; o < OB; o++) ws[o] = load(w + o * LANES);
      UNROLL for (int t = 0; t < T; t++) {
        const Vec xs = all(at[t * LANES]);
        UNROLL for (int o = 0; o < OB; o++) sums[o][t] = fused(ws[o], xs, sums[o][t]);
      }
    }
  }
  UNROLL for (int o = 0; o < OB; o++) UNROLL for (int t = 0; t < T; t++) store(y + o * yBlock + t * LANES, sums[o][t]);
}

using Multiply = void (*)(const float*, long, int, const float*, float*, long);
template <int OB, int... I>
Multiply byTiles(int tiles, std::integer_sequence<int, I...>) {
  static const Multiply kernels[] = {multiply<OB, I + 1>...};
  return kernels[tiles - 1];
}
template <int OB>
Multiply byTiles(int tiles) { return byTiles<OB>(tiles, std::make_integer_sequence<int, MOST_TILES[OB]>()); }
inline Multiply multiplyOf(int blocks, int tiles) {
  return blocks == 1 ? byTiles<1>(tiles) : blocks == 2 ? byTiles<2>(tiles) : byTiles<3>(tiles);
}

/** y of x; with `back`, the gradient of x (in `y`) of that of y (in `x`); bias and sum, or null, are added, as in convolve.h. */
inline void winogradConvolve(const Conv& c, bool back, const float* x, const float* w, const float* bias, const float* sum, float* y,
                             const Parallel& parallel) {
  const int in = back ? c.O : c.C, inBlocks = blocksOf(in), outBlocks = blocksOf(back ? c.C : c.O);
  static thread_local Scratch kernels;
  float* u = kernels.get<float>((long)POINTS * in * outBlocks * LANES);
  kernelsToPoints(c, back, w, u, parallel);
  const Tiles tiles(c);
  const auto groups = groupsOf(outBlocks);
  // Kernels of many channels do not stay in the cache: more tiles share what is read of them.
  const int most = std::min(tiles.count, (in + LANES * outBlocks <= 256 ? 2 : 4) * MOST_TILES[2]);
  const int batches = (tiles.count + most - 1) / most;
  const int parts = std::min<int>(groups.size(), (c.threads + batches - 1) / batches);
  parallel(batches * parts, [&](int i) {
    static thread_local Scratch inMemory, outMemory;
    const int from = i / parts * most, count = std::min(most, tiles.count - from), part = i % parts;
    float* v = inMemory.get<float>((long)POINTS * inBlocks * most * LANES);
    float* m = outMemory.get<float>((long)POINTS * 3 * most * LANES);
    mapPoints<true>(tiles, x, inBlocks, 0, inBlocks, from, count, most, v);
    const int end = groups.size() * (part + 1) / parts;
    for (int g = groups.size() * part / parts; g < end; g++) {
      const auto [first, blocks] = groups[g];
      const int pieces = (count + MOST_TILES[blocks] - 1) / MOST_TILES[blocks];
      for (int p = 0; p < POINTS; p++) for (int q = 0; q < pieces; q++) {
        const int t = count * q / pieces, ts = count * (q + 1) / pieces - t;
        multiplyOf(blocks, ts)(v + ((long)p * inBlocks * most + t) * LANES, (long)most * LANES, in,
                               u + ((long)first * POINTS + (long)p * blocks) * in * LANES, m + ((long)p * blocks * most + t) * LANES, (long)most * LANES);
      }
      for (int o = 0; o < blocks; o++) for (int t = 0; t < count; t++) {
        const auto [n, top, left] = tiles.at(from + t);
        Vec points[POINTS], pixels[16];
        UNROLL for (int p = 0; p < POINTS; p++) points[p] = load(m + (((long)p * blocks + o) * most + t) * LANES);
        alongBoth<6, 4>(outputPixels, points, pixels);
        const Vec added = bias == nullptr ? all(0) : load(bias + LANES * (first + o));
        const long at = ((((long)n * outBlocks + first + o) * c.H + top) * c.W + left) * LANES;
        for (int r = 0; r < std::min(4, c.H - top); r++) for (int k = 0; k < std::min(4, c.W - left); k++) {
          const long to = at + ((long)r * c.W + k) * LANES;
          const Vec value = pixels[r * 4 + k] + added;
          store(y + to, sum == nullptr ? value : value + load(sum + to));
        }
      }
    }
  });
}

/** dw [O, C, 3, 3] of x and dy. */
inline void winogradWeights(const Conv& c, const float* x, const float* dy, float* dw, const Parallel& parallel) {
  const int xBlocks = blocksOf(c.C), dyBlocks = blocksOf(c.O);
  const auto groups = groupsOf(dyBlocks);
  const Tiles tiles(c);
  // Products of many channels do not stay in the cache: more tiles share what is read and written of them.
  const int most = std::min(tiles.count, std::max(48, std::min(c.C, c.O)));
  static thread_local Scratch xMemory, dyMemory, sumsMemory;
  float* xs = xMemory.get<float>((long)POINTS * xBlocks * most * LANES);
  float* dys = dyMemory.get<float>((long)POINTS * dyBlocks * most * LANES);
  const long length = (long)POINTS * c.C * dyBlocks * LANES;
  float* sums = sumsMemory.get<float>(length);
  memset(sums, 0, length * sizeof(float));
  for (int from = 0; from < tiles.count; from += most) {
    const int count = std::min(most, tiles.count - from);
    parallel(xBlocks + dyBlocks, [&](int k) {
      if (k < xBlocks) mapPoints<true>(tiles, x, xBlocks, k, k + 1, from, count, most, xs);
      else mapPoints<false>(tiles, dy, dyBlocks, k - xBlocks, k - xBlocks + 1, from, count, most, dys);
    });
    parallel(POINTS, [&](int p) {
      for (const auto& [first, blocks] : groups) for (int k = 0; k < xBlocks; k++)
        addAll(blocks, std::min(LANES, c.C - k * LANES),
                 Products{dys + ((long)p * dyBlocks + first) * most * LANES, (long)most * LANES, 0, xs + ((long)p * xBlocks + k) * most * LANES, 0,
                      LANES, 1, count, sums + ((long)first * POINTS * c.C + ((long)p * c.C + k * LANES) * blocks) * LANES});
    });
  }
  storeTaps<POINTS, 9>(c, sums, dw, [](const Vec* points, Vec* taps) { alongBoth<6, 3>(kernelTaps, points, taps); }, parallel);
}
