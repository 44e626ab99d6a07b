// The gradient of a convolution towards its weights in float32: sums over pixels of x and dy, which are read as they lie. Lanes
// are output channels. Invariant: a weight's sum has one order, however many threads share the work.
#pragma once
#include "vectors.h"

/** What a kernel call reads and adds to; steps are in elements. */
struct Products {
  const float* dy;
  long dyBlock, dyRow;
  /** One value for each product; the next input channel's lies beside it. */
  const float* x;
  long xRow, xPixel;
  int rows, pixels;
  float* sums;
};

/** sums[CC input channels][OB blocks][lanes] += products over all rows and pixels. */
template <int OB, int CC>
void addProducts(const Products& s) {
  Vec sums[CC][OB];
  UNROLL for (int c = 0; c < CC; c++) UNROLL for (int o = 0; o < OB; o++) sums[c][o] = load(s.sums + (c * OB + o) * LANES);
  for (int h = 0; h < s.rows; h++) {
    const float *dy = s.dy + h * s.dyRow, *x = s.x + h * s.xRow, *end = dy + (long)s.pixels * LANES;
    for (; dy != end; dy += LANES, x += s.xPixel) {
      Vec ds[OB];
      UNROLL for (int o = 0; o < OB; o++) ds[o] = load(dy + o * s.dyBlock);
      UNROLL for (int c = 0; c < CC; c++) {
        const Vec xs = all(x[c]);
        UNROLL for (int o = 0; o < OB; o++) sums[c][o] = fused(ds[o], xs, sums[c][o]);
      }
    }
  }
  UNROLL for (int c = 0; c < CC; c++) UNROLL for (int o = 0; o < OB; o++) store(s.sums + (c * OB + o) * LANES, sums[c][o]);
}

/** The same for up to a block of input channels, four or eight at a time: what the registers hold. */
template <int OB>
void addBlock(int channels, Products s) {
  constexpr int MOST = LANES == 16 || OB == 1 ? 8 : 4;
  for (; channels >= MOST; channels -= MOST, s.x += MOST, s.sums += MOST * OB * LANES) addProducts<OB, MOST>(s);
  if (channels > 0) addProducts<OB, 4>(s);
}
inline void addBlock(int blocks, int channels, const Products& s) {
  if (blocks == 1) addBlock<1>(channels, s);
  else if (blocks == 2) addBlock<2>(channels, s);
  else addBlock<3>(channels, s);
}

/** From sums[group][point][C][block of the group][lanes] to torch's [O][C][taps]; `tapsOf` makes taps of points. */
template <int POINTS, int TAPS, class TapsOf>
void storeTaps(const Conv& c, const float* sums, float* dw, TapsOf tapsOf, const Parallel& parallel) {
  const auto groups = groupsOf(blocksOf(c.O));
  parallel(groups.size(), [&](int g) {
    const auto [first, count] = groups[g];
    const float* group = sums + (long)first * POINTS * c.C * LANES;
    alignas(64) float taps[TAPS][LANES][LANES];
    for (int o = 0; o < count; o++) for (int c0 = 0; c0 < c.C; c0 += LANES) {
      const int os = std::min(LANES, c.O - LANES * (first + o)), cs = std::min(LANES, c.C - c0);
      for (int i = 0; i < cs; i++) {
        Vec points[POINTS], made[TAPS];
        for (int p = 0; p < POINTS; p++) points[p] = load(group + (((long)p * c.C + c0 + i) * count + o) * LANES);
        tapsOf(points, made);
        for (int q = 0; q < TAPS; q++) store(taps[q][i], made[q]);
      }
      for (int lane = 0; lane < os; lane++) {
        float* row = dw + ((long)(LANES * (first + o) + lane) * c.C + c0) * TAPS;
        for (int i = 0; i < cs; i++) for (int q = 0; q < TAPS; q++) row[i * TAPS + q] = taps[q][i][lane];
      }
    }
  });
}

/** Outputs of a row, or rows, from `first` to `end` that a tap meets within `length` pixels: tap q meets pixel S i + q - P. */
struct Met {
  int first, end;
  Met(int from, int to, int tap, int S, int P, int length)
      : first(std::max(from, (P - tap + S - 1) / S)), end(std::min(to, (length - 1 + P - tap + S) / S)) {}
};

/** dw [O, C, K, K] of x and dy. */
inline void directWeights(const Conv& c, const float* x, const float* dy, float* dw, const Parallel& parallel) {
  const int K = c.K, S = c.S, area = K * K;
  int H = c.H, W = c.W, Ho = c.Ho, Wo = c.Wo;
  if (K == 1 && S == 1) { // pixels as rows of one: pieces of any length
    H = Ho = H * W;
    W = Wo = 1;
  }
  const int xBlocks = blocksOf(c.C), dyBlocks = blocksOf(c.O);
  const auto groups = groupsOf(dyBlocks);
  const long length = (long)dyBlocks * area * c.C * LANES;
  static thread_local Scratch sumsMemory;
  float* sums = sumsMemory.get<float>(length);
  memset(sums, 0, length * sizeof(float));
  // About as many pixels at a time as stay in the cache, of all channels.
  const int rows = std::max(1, 128 / Wo);
  const auto shares = sharesOf(groups.size(), xBlocks, c.threads);
  parallel(shares.size(), [&](int part) {
    const Share& share = shares[part];
    for (int n = 0; n < c.N; n++) for (int h0 = 0; h0 < Ho; h0 += rows)
      for (int g = share.firstGroup; g < share.firstGroup + share.groups; g++) for (int k = share.firstBlock; k < share.firstBlock + share.blocks; k++) {
        const auto [first, count] = groups[g];
        const float* plane = x + ((long)n * xBlocks + k) * H * W * LANES;
        const float* dyPlane = dy + ((long)n * dyBlocks + first) * Ho * Wo * LANES;
        for (int q = 0; q < area; q++) {
          const int kh = q / K, kw = q % K;
          Met r(h0, std::min(Ho, h0 + rows), kh, S, c.P, H), p(0, Wo, kw, S, c.P, W);
          if (r.first >= r.end || p.first >= p.end) continue;
          Products s{dyPlane + ((long)r.first * Wo + p.first) * LANES, (long)Ho * Wo * LANES, (long)Wo * LANES,
                 plane + ((long)(r.first * S + kh - c.P) * W + p.first * S + kw - c.P) * LANES, (long)S * W * LANES, (long)S * LANES,
                 r.end - r.first, p.end - p.first,
                 sums + ((long)first * area * c.C + ((long)q * c.C + k * LANES) * count) * LANES};
          if (Wo == 1) { // one long row
            s.pixels = s.rows;
            s.rows = 1;
            s.xPixel = s.xRow;
          }
          addBlock(count, std::min(LANES, c.C - k * LANES), s);
        }
      }
  });
  const auto same = [](const Vec* points, Vec* taps, int n) { for (int i = 0; i < n; i++) taps[i] = points[i]; };
  if (K == 1) storeTaps<1, 1>(c, sums, dw, [&](const Vec* p, Vec* t) { same(p, t, 1); }, parallel);
  else storeTaps<9, 9>(c, sums, dw, [&](const Vec* p, Vec* t) { same(p, t, 9); }, parallel);
}
