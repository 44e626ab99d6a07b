// The gradient of a convolution towards its weights: sums over pixels of x and dy. Lanes are output channels; a pair is of two
// pixels that lie side by side in dy's row, so that x comes in one form for each tap of a row, with the pixels that meet them.
// Invariant: a weight's sum has one order, however many threads share the work.
#pragma once
#include "vectors.h"

/** What a kernel call reads and adds to; steps are in elements. */
struct Sums {
  const bf16* dy;
  long dySample;
  /** By tap of a row. */
  const bf16* x[3];
  long xSample, xRow;
  int samples, rows, pairs;
  float* sums;
};

/** sums[CC input channels][KW taps][OB blocks][16 lanes] += products over all samples, rows and pairs. */
template <int OB, int CC, int KW>
void sumProducts(const Sums& s) {
  __m512 sums[CC][KW][OB];
  UNROLL for (int c = 0; c < CC; c++) UNROLL for (int k = 0; k < KW; k++) UNROLL for (int o = 0; o < OB; o++)
    sums[c][k][o] = _mm512_load_ps(s.sums + ((c * KW + k) * OB + o) * LANES);
  for (int n = 0; n < s.samples; n++) for (int h = 0; h < s.rows; h++) {
    const bf16* dy = s.dy + n * s.dySample + (long)h * s.pairs * OB * PAIRED;
    const bf16* end = dy + (long)s.pairs * OB * PAIRED;
    const bf16* x[KW];
    UNROLL for (int k = 0; k < KW; k++) x[k] = s.x[k] + n * s.xSample + h * s.xRow;
    for (; dy != end; dy += OB * PAIRED) {
      __m512i ds[OB];
      UNROLL for (int o = 0; o < OB; o++) ds[o] = _mm512_load_si512(dy + o * PAIRED);
      UNROLL for (int c = 0; c < CC; c++) UNROLL for (int k = 0; k < KW; k++) {
        const __m512i xs = spread(x[k] + 2 * c);
        UNROLL for (int o = 0; o < OB; o++) sums[c][k][o] = dot(sums[c][k][o], ds[o], xs);
      }
      UNROLL for (int k = 0; k < KW; k++) x[k] += PAIRED;
    }
  }
  UNROLL for (int c = 0; c < CC; c++) UNROLL for (int k = 0; k < KW; k++) UNROLL for (int o = 0; o < OB; o++)
    _mm512_store_ps(s.sums + ((c * KW + k) * OB + o) * LANES, sums[c][k][o]);
}

/** Input channels whose sums fit the registers: this, its half or its quarter. */
constexpr int mostChannels(int blocks, int taps) { return taps == 1 ? 8 : blocks == 3 ? 2 : 4; }

template <int OB, int KW>
void byChannels(int channels, const Sums& s) {
  constexpr int MOST = mostChannels(OB, KW);
  if (channels == MOST) sumProducts<OB, MOST, KW>(s);
  else if (channels == MOST / 2) sumProducts<OB, MOST / 2, KW>(s);
  else if constexpr (MOST >= 4) {
    if (channels == MOST / 4) sumProducts<OB, MOST / 4, KW>(s);
    else sumProducts<OB, 1, KW>(s);
  }
}
template <int KW>
void sumsOf(int blocks, int channels, const Sums& s) {
  if (blocks == 1) byChannels<1, KW>(channels, s);
  else if (blocks == 2) byChannels<2, KW>(channels, s);
  else byChannels<3, KW>(channels, s);
}

/**
 * Pairs of the pixels `from` + 2 i `step` and the one `step` behind it, of one row and block; zeros outside of the row.
 *
 * @param row - null for a row of zeros
 */
inline void pairRow(const float* row, int width, int from, int step, int pairs, bf16* out, long apart) {
  const auto pixel = [&](int at) {
    return row != nullptr && at >= 0 && at < width ? _mm512_loadu_ps(row + LANES * at) : _mm512_setzero_ps();
  };
  for (int i = 0; i < pairs; i++) {
    const int at = from + 2 * i * step;
    _mm512_store_si512(out + i * apart, weave(pixel(at), pixel(at + step)));
  }
}

/** From sums[group][tap row][C][tap column][block of the group][16] to torch's [O][C][K][K]. */
inline void storeWeights(const Conv& c, const std::vector<Group>& groups, const float* sums, float* dw, const Parallel& parallel) {
  const int K = c.K, area = K * K;
  parallel(groups.size(), [&](int g) {
    const auto [first, count] = groups[g];
    alignas(64) float columns[LANES * 9][LANES];
    for (int o = 0; o < count; o++) for (int c0 = 0; c0 < c.C; c0 += LANES) {
      const int cs = std::min(LANES, c.C - c0), os = std::min(LANES, c.O - LANES * (first + o)), width = cs * area;
      for (int i = 0; i < cs; i++) for (int kh = 0; kh < K; kh++) for (int kw = 0; kw < K; kw++) {
        const long at = (long)first * area * c.C + (((long)kh * c.C + c0 + i) * K + kw) * count + o;
        _mm512_store_ps(columns[(i * K + kh) * K + kw], _mm512_load_ps(sums + at * LANES));
      }
      for (int a = 0; a < width; a += LANES) {
        __m512 r[16];
        UNROLL for (int i = 0; i < LANES; i++) r[i] = _mm512_load_ps(columns[std::min(a + i, width - 1)]);
        transpose(r);
        const __mmask16 filled = width - a >= LANES ? 0xffff : (1 << (width - a)) - 1;
        for (int i = 0; i < os; i++)
          _mm512_mask_storeu_ps(dw + ((long)(LANES * (first + o) + i) * c.C + c0) * area + a, filled, r[i]);
      }
    }
  });
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

/** dw [O, C, K, K] of x and dy. */
inline void weightGradient(const Conv& c, const float* x, const float* dy, float* dw, const Parallel& parallel) {
  const int K = c.K, S = c.S;
  int H = c.H, W = c.W, Ho = c.Ho, Wo = c.Wo;
  if (K == 1 && S == 1) { // one long row
    W *= H;
    Wo = W;
    H = Ho = 1;
  }
  const int xBlocks = blocksOf(c.C), dyBlocks = blocksOf(c.O), pairs = (Wo + 1) / 2;
  // About 256 pixels at a time, rows of a sample or whole samples: what is paired stays in the cache while it is used.
  const int rows = std::min(Ho, std::max(1, 256 / (2 * pairs)));
  const int samples = rows < Ho ? 1 : std::min(c.N, std::max(1, 256 / (2 * pairs * Ho)));
  const int slices = (Ho + rows - 1) / rows, chunks = slices * ((c.N + samples - 1) / samples);
  const auto groups = groupsOf(dyBlocks);
  const long length = (long)dyBlocks * K * c.C * K * LANES;
  static thread_local Scratch sumsMemory;
  float* sums = sumsMemory.get<float>(length);
  memset(sums, 0, length * sizeof(float));

  const auto shares = sharesOf(groups.size(), xBlocks, c.threads);
  parallel(shares.size(), [&](int part) {
    static thread_local Scratch dyMemory, xMemory;
    const Share& share = shares[part];
    const long dySample = (long)rows * pairs * PAIRED; // of one block; those of a group lie in turn
    const long xRow = (pairs + 1) * (long)PAIRED, xSample = ((rows - 1) * S + K) * xRow, xPlane = samples * xSample;
    // Forms of x by tap of a row; at stride 1 tap 2 is tap 0 one pair on.
    const long form = share.blocks * xPlane;
    bf16* dyPairs = dyMemory.get<bf16>(dyBlocks * samples * dySample);
    bf16* xPairs = xMemory.get<bf16>(form * (K == 1 ? 1 : S == 1 ? 2 : 3));
    for (int chunk = 0; chunk < chunks; chunk++) {
      const int n0 = chunk / slices * samples, h0 = chunk % slices * rows;
      const int ns = std::min(samples, c.N - n0), hs = std::min(rows, Ho - h0);
      for (int g = share.firstGroup; g < share.firstGroup + share.groups; g++) {
        const auto [first, count] = groups[g];
        for (int o = 0; o < count; o++) for (int n = 0; n < ns; n++) for (int h = 0; h < hs; h++)
          pairRow(dy + (((long)(n0 + n) * dyBlocks + first + o) * Ho + h0 + h) * Wo * LANES, Wo, 0, 1, pairs,
                  dyPairs + (first * samples + n * count) * dySample + ((long)h * pairs * count + o) * PAIRED, count * PAIRED);
      }
      for (int k = 0; k < share.blocks; k++) for (int n = 0; n < ns; n++) for (int r = 0; r < (hs - 1) * S + K; r++) {
        const int h = h0 * S + r - c.P;
        const float* row =
            h < 0 || h >= H ? nullptr : x + (((long)(n0 + n) * xBlocks + share.firstBlock + k) * H + h) * W * LANES;
        bf16* to = xPairs + k * xPlane + n * xSample + r * xRow;
        pairRow(row, W, -c.P, S, pairs + (S == 1 && K == 3), to, PAIRED);
        if (K == 3) pairRow(row, W, 1 - c.P, S, pairs, to + form, PAIRED);
        if (K == 3 && S == 2) pairRow(row, W, 2 - c.P, S, pairs, to + 2 * form, PAIRED);
      }
      for (int g = share.firstGroup; g < share.firstGroup + share.groups; g++) {
        const auto [first, count] = groups[g];
        for (int k = 0; k < share.blocks; k++) for (int kh = 0; kh < K; kh++) {
          const int c0 = LANES * (share.firstBlock + k), filled = std::min(LANES, c.C - c0);
          for (int at = 0; at < filled;) {
            int channels = mostChannels(count, K);
            while (channels > filled - at) channels /= 2;
            const bf16* base = xPairs + k * xPlane + kh * xRow + 2 * at;
            const Sums s{
                dyPairs + first * samples * dySample, dySample * count,
                {base, base + form, S == 1 ? base + PAIRED : base + 2 * form}, xSample, xRow * S, ns, hs, pairs,
                sums + (((long)first * K + (long)kh * count) * c.C + (long)(c0 + at) * count) * K * LANES};
            if (K == 3) sumsOf<3>(count, channels, s);
            else sumsOf<1>(count, channels, s);
            at += channels;
          }
        }
      }
    }
  });
  storeWeights(c, groups, sums, dw, parallel);
}
