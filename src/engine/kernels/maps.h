// What reads maps or weights in one pass where ONNX Runtime's operators take several: gradients of activations, of norms and of
// max-pool, and AdamW.
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

/** dx = dy s (1 + x (1 - s)) with s = sigmoid(x), of `n` vectors. */
inline void siluGradient(long n, const float* x, const float* dy, float* dx, const Parallel& parallel) {
  inPieces(n, parallel, [&](long from, long end) {
    for (long i = from * LANES; i < end * LANES; i += LANES) {
      const Vec v = load(x + i);
      const Vec s = v < all(-87) ? all(0) : all(1) / (all(1) + exponential(-v));
      store(dx + i, load(dy + i) * s * fused(v, all(1) - s, all(1)));
    }
  });
}

/** Keeps a value where 0 < x < high, and makes it 0 elsewhere. */
struct Clip {
  Vec top;
  Vec operator()(Vec x, Vec value) const { return (Vec)((x > all(0)) & (x < top) & (Ints)value); }
};

/** The gradient of an activation that clips. */
inline void clipGradient(long n, float high, const float* x, const float* dy, float* dx, const Parallel& parallel) {
  const Clip clip{all(high)};
  inPieces(n, parallel, [&](long from, long end) {
    for (long i = from * LANES; i < end * LANES; i += LANES) store(dx + i, clip(load(x + i), load(dy + i)));
  });
}

/** What a norm made of a map, by channel: x factor + shift; a gradient passes where this is between 0 and `high`. */
struct Gate {
  /** Or null: all passes. */
  const float *factor, *shift;
  float high;
};

/** That of one block. */
template <bool GATED>
struct BlockGate {
  Vec factor, shift;
  Clip clip;
  BlockGate(const Gate& g, long at) : clip{all(g.high)} {
    if constexpr (GATED) {
      factor = load(g.factor + at);
      shift = load(g.shift + at);
    }
  }
  Vec operator()(Vec x, Vec dy) const {
    if constexpr (GATED) return clip(fused(x, factor, shift), dy);
    else return dy;
  }
};

/** By channel: the sum of y where the gate of x lets it pass, and that of x y there. */
template <bool GATED>
void channelSums(const Conv& c, const float* x, const float* y, const Gate& g, float* sums, float* products, const Parallel& parallel) {
  const int blocks = blocksOf(c.C);
  const long area = (long)c.H * c.W;
  static thread_local Scratch memory;
  float* parts = memory.get<float>((long)c.N * blocks * 2 * LANES);
  parallel(c.N * blocks, [&](int plane) {
    constexpr int CHAINS = 4;
    const BlockGate<GATED> gate(g, plane % blocks * LANES);
    Vec s[CHAINS], p[CHAINS];
    UNROLL for (int q = 0; q < CHAINS; q++) s[q] = p[q] = all(0);
    const float *xs = x + plane * area * LANES, *ys = y + plane * area * LANES;
    const auto add = [&](int q, long i) {
      const Vec v = load(xs + i * LANES), passed = gate(v, load(ys + i * LANES));
      s[q] = s[q] + passed;
      p[q] = fused(v, passed, p[q]);
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

/** x a + y b + c with a, b and c by channel, of those x that the gate of y lets pass. */
template <bool GATED>
void affineSum(const Conv& conv, const float* x, const float* a, const float* y, const float* b, const float* c, const Gate& g, float* out,
               const Parallel& parallel) {
  const int blocks = blocksOf(conv.C);
  const long area = (long)conv.H * conv.W;
  parallel(conv.N * blocks, [&](int plane) {
    const long k = plane % blocks * LANES;
    const BlockGate<GATED> gate(g, k);
    const Vec as = load(a + k), bs = load(b + k), cs = load(c + k);
    for (long i = plane * area * LANES; i < (plane + 1) * area * LANES; i += LANES) {
      const Vec v = load(y + i);
      store(out + i, fused(gate(v, load(x + i)), as, fused(v, bs, cs)));
    }
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

/** Scalars of AdamW: p shrinks by `keep` and goes `rate` along m / (sqrt(v) + floor). */
struct AdamW {
  float beta1, beta2, scale, keep, rate, floor;
};

/** One step of `n` weights; the results may lie over what they follow from. */
inline void adamw(long n, const AdamW& a, const float* p, const float* g, const float* m, const float* v, float* p1, float* m1, float* v1,
                  const Parallel& parallel) {
  const Vec scale = all(a.scale * (1 - a.beta1)), beta1 = all(a.beta1), beta2 = all(a.beta2);
  const Vec squares = all((1 - a.beta2) / ((1 - a.beta1) * (1 - a.beta1))), keep = all(a.keep), rate = all(a.rate), floor = all(a.floor);
  const auto step = [&](const float* p, const float* g, const float* m, const float* v, float* p1, float* m1, float* v1) {
    const Vec share = load(g) * scale, mean = fused(load(m), beta1, share);
    const Vec square = fused(load(v), beta2, share * share * squares);
    const Vec next = load(p) * keep - mean / (root(square) + floor) * rate;
    store(m1, mean);
    store(v1, square);
    store(p1, next);
  };
  inPieces(n / LANES, parallel, [&](long from, long end) {
    for (long i = from * LANES; i < end * LANES; i += LANES) step(p + i, g + i, m + i, v + i, p1 + i, m1 + i, v1 + i);
  });
  const long at = n / LANES * LANES, bytes = (n - at) * sizeof(float);
  if (bytes == 0) return;
  float last[4][LANES] = {};
  const float* from[] = {p, g, m, v};
  for (int i = 0; i < 4; i++) memcpy(last[i], from[i] + at, bytes);
  step(last[0], last[1], last[2], last[3], last[0], last[2], last[3]);
  memcpy(p1 + at, last[0], bytes);
  memcpy(m1 + at, last[2], bytes);
  memcpy(v1 + at, last[3], bytes);
}
