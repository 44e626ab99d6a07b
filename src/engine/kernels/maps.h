// What reads maps and writes one, in one pass where ONNX Runtime's operators take several: SiLU, gradients of activations, of
// norms and of max-pool, and sums over pixels.
#pragma once
#include "vectors.h"

using Ints = int __attribute__((vector_size(sizeof(Vec))));
/** Pixels that a thread takes at a time. */
constexpr long PIECE = 1 << 12;

/** Calls `f(from, end)` with parts of `n`. */
template <class F>
void inPieces(long n, const Parallel& parallel, F f) {
  parallel((n + PIECE - 1) / PIECE, [&](int i) { f(i * PIECE, std::min(n, (i + 1) * PIECE)); });
}

/** e^x for |x| up to 87 and the nearest of these beyond: 2^n e^r with |r| up to ln 2 / 2 (Cody and Waite), to about an ulp. */
inline Vec exponential(Vec x) {
  const Vec round = all(12582912.f), most = all(87), least = all(-87); // 1.5 2^23: what is added to it is rounded to an integer
  x = x > most ? most : x;
  x = x < least ? least : x;
  const Vec shifted = fused(x, all(1.44269504f), round), n = shifted - round;
  const Vec r = fused(n, all(1.42860677e-6f), fused(n, all(-.693145752f), x));
  Vec p = all(1.f / 5040);
  for (const float c : {1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, .5f, 1.f, 1.f}) p = fused(p, r, all(c));
  return (Vec)((Ints)p + ((Ints)shifted << 23));
}
inline Vec sigmoid(Vec x) { return all(1) / (all(1) + exponential(-x)); }

/** y = x sigmoid(x); with `dy`, its gradient dy s (1 + x (1 - s)). Of `n` vectors. */
inline void silu(long n, const float* x, const float* dy, float* out, const Parallel& parallel) {
  inPieces(n, parallel, [&](long from, long end) {
    for (long i = from * LANES; i < end * LANES; i += LANES) {
      const Vec v = load(x + i), s = sigmoid(v);
      store(out + i, dy == nullptr ? v * s : load(dy + i) * s * fused(v, all(1) - s, all(1)));
    }
  });
}

/** dy where 0 < x < high, 0 elsewhere. */
inline void clipGradient(long n, float high, const float* x, const float* dy, float* out, const Parallel& parallel) {
  const Vec zero = all(0), top = all(high);
  inPieces(n, parallel, [&](long from, long end) {
    for (long i = from * LANES; i < end * LANES; i += LANES) {
      const Vec v = load(x + i);
      store(out + i, (Vec)((v > zero) & (v < top) & (Ints)load(dy + i)));
    }
  });
}

/** By channel: the sum of y, and that of x y. */
inline void channelSums(const Conv& c, const float* x, const float* y, float* sums, float* products, const Parallel& parallel) {
  const int blocks = blocksOf(c.C);
  const long area = (long)c.H * c.W;
  static thread_local Scratch memory;
  float* parts = memory.get<float>((long)c.N * blocks * 2 * LANES);
  parallel(c.N * blocks, [&](int plane) {
    constexpr int CHAINS = 4;
    Vec s[CHAINS], p[CHAINS];
    for (int q = 0; q < CHAINS; q++) s[q] = p[q] = all(0);
    const float *xs = x + plane * area * LANES, *ys = y + plane * area * LANES;
    const auto add = [&](int q, long i) {
      const Vec v = load(ys + i * LANES);
      s[q] = s[q] + v;
      p[q] = fused(load(xs + i * LANES), v, p[q]);
    };
    long i = 0;
    for (; i + CHAINS <= area; i += CHAINS) UNROLL for (int q = 0; q < CHAINS; q++) add(q, i + q);
    for (; i < area; i++) add(0, i);
    store(parts + plane * 2L * LANES, (s[0] + s[1]) + (s[2] + s[3]));
    store(parts + (plane * 2L + 1) * LANES, (p[0] + p[1]) + (p[2] + p[3]));
  });
  for (int k = 0; k < blocks; k++) {
    Vec s = all(0), p = all(0);
    for (int n = 0; n < c.N; n++) {
      s = s + load(parts + ((long)n * blocks + k) * 2 * LANES);
      p = p + load(parts + (((long)n * blocks + k) * 2 + 1) * LANES);
    }
    store(sums + k * LANES, s);
    store(products + k * LANES, p);
  }
}

/** x a + y b + c, with a, b and c by channel. */
inline void affineSum(const Conv& conv, const float* x, const float* a, const float* y, const float* b, const float* c, float* out,
                      const Parallel& parallel) {
  const int blocks = blocksOf(conv.C);
  const long area = (long)conv.H * conv.W;
  parallel(conv.N * blocks, [&](int plane) {
    const long k = plane % blocks * LANES;
    const Vec as = load(a + k), bs = load(b + k), cs = load(c + k);
    for (long i = plane * area * LANES; i < (plane + 1) * area * LANES; i += LANES)
      store(out + i, fused(load(x + i), as, fused(load(y + i), bs, cs)));
  });
}

/** The gradient of max-pool: of equal values in a window the first takes it. */
inline void maxPoolGradient(const Conv& c, const float* x, const float* y, const float* dy, float* dx, const Parallel& parallel) {
  const long area = (long)c.H * c.W, outArea = (long)c.Ho * c.Wo;
  parallel(c.N * blocksOf(c.C), [&](int plane) {
    const float* xs = x + plane * area * LANES;
    float* dxs = dx + plane * area * LANES;
    memset(dxs, 0, area * LANES * sizeof(float));
    for (int h = 0; h < c.Ho; h++) for (int w = 0; w < c.Wo; w++) {
      const long at = (plane * outArea + (long)h * c.Wo + w) * LANES;
      const Vec most = load(y + at);
      Ints left = (Ints)load(dy + at); // what no tap has taken
      for (int kh = 0; kh < c.K; kh++) for (int kw = 0; kw < c.K; kw++) {
        const int r = h * c.S + kh - c.P, k = w * c.S + kw - c.P;
        if (r < 0 || r >= c.H || k < 0 || k >= c.W) continue;
        const long i = ((long)r * c.W + k) * LANES;
        const Ints equal = load(xs + i) == most;
        store(dxs + i, load(dxs + i) + (Vec)(equal & left));
        left = left & ~equal;
      }
    }
  });
}
