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

/** The same for any number of input channels, as many at a time as the registers hold. */
template <int OB>
void addAll(int channels, Products s) {
  constexpr int MOST = LANES == 16 || OB == 1 ? 8 : 4;
  using Add = void (*)(const Products&);
  static constexpr Add FEW[] = {addProducts<OB, 1>, addProducts<OB, 2>, addProducts<OB, 3>, addProducts<OB, 4>,
                                addProducts<OB, 5>, addProducts<OB, 6>, addProducts<OB, 7>};
  for (; channels >= MOST; channels -= MOST, s.x += MOST, s.sums += MOST * OB * LANES) addProducts<OB, MOST>(s);
  if (channels > 0) FEW[channels - 1](s);
}
inline void addAll(int blocks, int channels, const Products& s) {
  if (blocks == 1) addAll<1>(channels, s);
  else if (blocks == 2) addAll<2>(channels, s);
  else addAll<3>(channels, s);
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

/** Pixels at a time whose values of all channels about stay in the cache. */
constexpr int MOST_PIXELS = 224;

/** dw [O, C, K, K] of x and dy. */
inline void directWeights(const Conv& c, const float* x, const float* dy, float* dw, const Parallel& parallel) {
  const int K = c.K, S = c.S, area = K * K;
  const bool pointwise = area * S == 1;
  const int H = pointwise ? 1 : c.H, W = pointwise ? c.H * c.W : c.W, Ho = pointwise ? 1 : c.Ho, Wo = pointwise ? W : c.Wo;
  const int xBlocks = blocksOf(c.C), dyBlocks = blocksOf(c.O);
  const auto groups = groupsOf(dyBlocks);
  const long length = (long)dyBlocks * area * c.C * LANES;
  static thread_local Scratch sumsMemory;
  float* sums = sumsMemory.get<float>(length);
  memset(sums, 0, length * sizeof(float));
  const long xSample = (long)xBlocks * H * W * LANES, dySample = (long)dyBlocks * Ho * Wo * LANES;
  // Some rows; or, of one long row, a part of it or that of several samples.
  const int rows = std::max(1, MOST_PIXELS / Wo), samples = pointwise ? std::min(rows, c.N) : 1;
  const int pieces = pointwise ? (Wo + MOST_PIXELS - 1) / MOST_PIXELS : 1;
  const auto shares = sharesOf(groups.size(), xBlocks, c.threads);
  parallel(shares.size(), [&](int part) {
    const Share& share = shares[part];
    for (int n = 0; n < c.N; n += samples) for (int h0 = 0; h0 < Ho; h0 += rows) for (int i = 0; i < pieces; i++)
      for (int g = share.firstGroup; g < share.firstGroup + share.groups; g++) for (int k = share.firstBlock; k < share.firstBlock + share.blocks; k++) {
        const auto [first, count] = groups[g];
        const float* plane = x + n * xSample + (long)k * H * W * LANES;
        const float* dyPlane = dy + n * dySample + (long)first * Ho * Wo * LANES;
        for (int q = 0; q < area; q++) {
          const int kh = q / K, kw = q % K;
          const Met r(h0, std::min(Ho, h0 + rows), kh, S, c.P, H), p(Wo * i / pieces, Wo * (i + 1) / pieces, kw, S, c.P, W);
          if (r.first >= r.end || p.first >= p.end) continue;
          addAll(count, std::min(LANES, c.C - k * LANES),
                 Products{dyPlane + ((long)r.first * Wo + p.first) * LANES, (long)Ho * Wo * LANES, pointwise ? dySample : (long)Wo * LANES,
                          plane + ((long)(r.first * S + kh - c.P) * W + p.first * S + kw - c.P) * LANES,
                          pointwise ? xSample : (long)S * W * LANES, (long)S * LANES,
                          pointwise ? std::min(samples, c.N - n) : r.end - r.first, p.end - p.first,
                          sums + ((long)first * area * c.C + ((long)q * c.C + k * LANES) * count) * LANES});
        }
      }
  });
  const auto same = [](const Vec* points, Vec* taps, int n) { std::copy(points, points + n, taps); };
  if (K == 1) storeTaps<1, 1>(c, sums, dw, [&](const Vec* p, Vec* t) { same(p, t, 1); }, parallel);
  else storeTaps<9, 9>(c, sums, dw, [&](const Vec* p, Vec* t) { same(p, t, 9); }, parallel);
}

/** The same where x is an image in planes, [N, C, H, W], of few channels: what lies side by side are the taps of a row. */
inline void stemWeights(const Conv& c, const float* x, const float* dy, float* dw, const Parallel& parallel) {
  const int K = c.K, dyBlocks = blocksOf(c.O);
  const int tall = std::max(c.H + c.P, (c.Ho - 1) * c.S + K), wide = std::max(c.W + c.P, (c.Wo - 1) * c.S + K);
  const long plane = (long)tall * wide, all = (long)c.C * K * K;
  static thread_local Scratch padded, sumsMemory;
  float* image = padded.get<float>(c.N * c.C * plane);
  parallel(c.N * c.C, [&](int i) {
    float* to = image + i * plane;
    memset(to, 0, plane * sizeof(float));
    for (int h = 0; h < c.H; h++) memcpy(to + (long)(h + c.P) * wide + c.P, x + ((long)i * c.H + h) * c.W, c.W * sizeof(float));
  });
  float* sums = sumsMemory.get<float>(dyBlocks * all * LANES);
  memset(sums, 0, dyBlocks * all * LANES * sizeof(float));
  const auto groups = groupsOf(dyBlocks);
  const int rows = std::max(1, MOST_PIXELS / c.Wo), tapRows = c.C * K, parts = std::min(tapRows, c.threads);
  parallel(parts, [&](int part) {
    for (int n = 0; n < c.N; n++) for (int h = 0; h < c.Ho; h += rows) for (int r = tapRows * part / parts; r < tapRows * (part + 1) / parts; r++)
      for (const auto& [first, count] : groups)
        addAll(count, K, Products{dy + (((long)n * dyBlocks + first) * c.Ho + h) * c.Wo * LANES, (long)c.Ho * c.Wo * LANES, (long)c.Wo * LANES,
                                  image + ((long)n * c.C + r / K) * plane + (long)(h * c.S + r % K) * wide, (long)c.S * wide, c.S,
                                  std::min(rows, c.Ho - h), c.Wo, sums + (first * all + (long)r * K * count) * LANES});
  });
  Conv taps = c; // as channels of a 1x1 convolution
  taps.C = all;
  storeTaps<1, 1>(taps, sums, dw, [](const Vec* p, Vec* t) { *t = *p; }, parallel);
}
