"""The same tasks by PyTorch, JAX, SciPy on the same machine: `python3 peers.py PART [--tiny]` prints one line of JSON.

An absent peer is "not measured". Times are medians of the host's clock around work that is waited for, as in harness.mjs.
"""

import json
import math
import sys
import time

part = sys.argv[1]
tiny = "--tiny" in sys.argv
result = {"part": part, "tiny": tiny}


def timed(call, wait, seconds=8.0, samples=20):
    """Milliseconds of one call: median of batches of about 20 ms."""

    def batch(n):
        wait()
        start = time.perf_counter()
        for _ in range(n):
            call()
        wait()
        return 1000 * (time.perf_counter() - start)

    first = batch(1)
    for _ in range(3):
        batch(1)
    n = max(1, min(1000, math.ceil((2 if tiny else 20) / max(batch(1), 1e-3))))
    end = time.perf_counter() + (0.2 if tiny else seconds)
    times = []
    while len(times) < samples and (len(times) < 3 or time.perf_counter() < end):
        times.append(batch(n) / n)
    times.sort()
    return {"milliseconds": times[len(times) // 2], "firstMilliseconds": first, "samples": len(times)}


def measure(name, f):
    try:
        result[name] = f()
    except ImportError as error:
        result[name] = {"notMeasured": str(error)}
    except Exception as error:  # noqa: BLE001 -- one peer's trouble is not the other's
        result[name] = {"failed": repr(error)[:600]}


def torch_device():
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    torch.manual_seed(0)
    return torch, device, wait, {"version": torch.__version__, "device": device}


def jax_device():
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")
    return jax, {"version": jax.__version__, "device": str(jax.devices()[0])}


def mlp_torch(sizes, batch, tf32):
    torch, device, wait, info = torch_device()
    torch.backends.cuda.matmul.allow_tf32 = tf32
    draw = lambda *shape, scale=1.0: scale * torch.randn(*shape, device=device)  # noqa: E731
    layers = list(zip(sizes, sizes[1:]))
    params = [t for n, m in layers for t in (draw(n, m, scale=n**-0.5), draw(m, scale=0.1))]
    v = [torch.randn_like(p) for p in params]
    x, y = draw(batch, sizes[0]), draw(batch, sizes[-1])

    def loss(*p):
        h = x
        for i in range(len(layers)):
            h = h @ p[2 * i] + p[2 * i + 1]
            if i < len(layers) - 1:
                h = torch.tanh(h)
        return ((h - y) ** 2).mean()

    leaves = [p.requires_grad_() for p in params]

    def double_backward():
        grads = torch.autograd.grad(loss(*leaves), leaves, create_graph=True)
        return torch.autograd.grad(sum((g * u).sum() for g, u in zip(grads, v)), leaves)

    out = {**info, "doubleBackward": timed(double_backward, wait)}
    n = 64 if tiny else 8192
    a, b = draw(n, n), draw(n, n)
    out["matmul"] = timed(lambda: a @ b, wait, seconds=4)
    return out


def mlp_jax(sizes, batch):
    jax, info = jax_device()
    jnp = jax.numpy
    key = iter(jax.random.split(jax.random.PRNGKey(0), 64))
    layers = list(zip(sizes, sizes[1:]))
    draw = lambda shape, scale=1.0: scale * jax.random.normal(next(key), shape)  # noqa: E731
    params = [(draw((n, m), n**-0.5), draw((m,), 0.1)) for n, m in layers]
    v = [(draw((n, m)), draw((m,))) for n, m in layers]
    x, y = draw((batch, sizes[0])), draw((batch, sizes[-1]))

    def loss(p, x, y):
        h = x
        for i, (w, b) in enumerate(p):
            h = h @ w + b
            if i < len(p) - 1:
                h = jnp.tanh(h)
        return ((h - y) ** 2).mean()

    hvp = jax.jit(lambda p, u, x, y: jax.jvp(lambda q: jax.grad(loss)(q, x, y), (p,), (u,))[1])
    last = [None]

    def call():
        last[0] = hvp(params, v, x, y)

    return {**info, "jit": timed(call, lambda: jax.block_until_ready(last[0]))}


def resnet_torch():
    """ResNet-20 with group norm (8 groups), as in @curv/nn."""
    torch, device, wait, info = torch_device()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, n, m, stride):
            super().__init__()
            self.a = nn.Conv2d(n, m, 3, stride, 1, bias=False)
            self.na = nn.GroupNorm(8, m)
            self.b = nn.Conv2d(m, m, 3, 1, 1, bias=False)
            self.nb = nn.GroupNorm(8, m)
            self.short = None if n == m and stride == 1 else nn.Conv2d(n, m, 1, stride, bias=False)

        def forward(self, x):
            y = self.nb(self.b(F.relu(self.na(self.a(x)))))
            return F.relu(y + (x if self.short is None else self.short(x)))

    per = 1 if tiny else 3
    blocks, n = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.GroupNorm(8, 16), nn.ReLU()], 16
    for m in (16, 32, 64):
        for i in range(per):
            blocks.append(Block(n, m, 2 if i == 0 and m > 16 else 1))
            n = m
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)).to(device)
    images, side = (1, 8) if tiny else (256, 32)
    x = torch.randn(images, 3, side, side, device=device)
    y = torch.randint(0, 10, (images,), device=device)
    params = list(model.parameters())

    def product(v):
        grads = torch.autograd.grad(F.cross_entropy(model(x), y), params, create_graph=True)
        return torch.autograd.grad(sum((g * u).sum() for g, u in zip(grads, v)), params)

    return torch, params, product, wait, info


def hvp_resnet():
    torch, params, product, wait, info = resnet_torch()
    v = [torch.randn_like(p) for p in params]
    return {**info, "doubleBackward": timed(lambda: product(v), wait, seconds=20)}


def slq():
    """50 Lanczos steps with full reorthogonalisation for each of 8 probes."""
    torch, params, product, wait, info = resnet_torch()
    probes, steps = (1, 3) if tiny else (8, 50)
    sizes = [p.numel() for p in params]
    flat = lambda parts: torch.cat([p.reshape(-1) for p in parts])  # noqa: E731

    def matvec(v):
        return flat(product([part.reshape(p.shape) for part, p in zip(v.split(sizes), params)]))

    def run(probes, steps):
        for _ in range(probes):
            v = torch.randn(sum(sizes), device=params[0].device)
            v /= v.norm()
            basis, alpha, beta = [v], [], []
            for _ in range(steps):
                w = matvec(basis[-1])
                alpha.append(w @ basis[-1])
                V = torch.stack(basis)
                for _ in range(2):
                    w = w - V.T @ (V @ w)
                beta.append(w.norm())
                basis.append(w / beta[-1])
            T = torch.diag(torch.stack(alpha)) + sum(torch.diag(torch.stack(beta[:-1]), k) for k in (1, -1))
            torch.linalg.eigh(T.double())

    run(1, 3)
    wait()
    start = time.perf_counter()
    run(probes, steps)
    wait()
    return {**info, "milliseconds": 1000 * (time.perf_counter() - start)}


def chain_torch():
    torch, device, wait, info = torch_device()
    out = {**info}
    for dtype, size in ((torch.float32, 2**10 if tiny else 2**28), (torch.float64, 2**9 if tiny else 2**27)):
        x, y = (torch.randn(size, device=device, dtype=dtype) for _ in range(2))
        f = lambda a, b: (torch.tanh(a * b + 1) * a - b).mul(0.5).clamp_min(0) + b * b  # noqa: E731
        out[str(dtype)] = {
            "copy": timed(lambda: x.clone(), wait, seconds=4),
            "eager": timed(lambda: f(x, y), wait, seconds=4),
            "logsumexp": timed(lambda: x.reshape(4 if tiny else 2**14, -1).logsumexp(1), wait, seconds=4),
        }
    return out


def chain_jax():
    jax, info = jax_device()
    jnp = jax.numpy
    x, y = (jax.random.normal(jax.random.PRNGKey(i), (2**10 if tiny else 2**28,)) for i in range(2))
    f = jax.jit(lambda a, b: jnp.maximum((jnp.tanh(a * b + 1) * a - b) * 0.5, 0) + b * b)
    last = [None]

    def call():
        last[0] = f(x, y)

    return {**info, "jit": timed(call, lambda: jax.block_until_ready(last[0]), seconds=4)}


def sinkhorn_torch():
    torch, device, wait, info = torch_device()
    out = {**info}
    n, sweeps = (20, 4) if tiny else (20_000, 50)
    for dtype in (torch.float32, torch.float64):
        x, y = (torch.rand(n, 3, device=device, dtype=dtype) for _ in range(2))
        cost = torch.cdist(x, y) ** 2
        loga = -math.log(n)
        eps = 0.05

        def run(count):
            f, g = torch.zeros(n, device=device, dtype=dtype), torch.zeros(n, device=device, dtype=dtype)
            for _ in range(count):
                f = -eps * torch.logsumexp((g - cost) / eps + loga, 1)
                g = -eps * torch.logsumexp((f[:, None] - cost) / eps + loga, 0)
            return g

        run(2)
        wait()
        start = time.perf_counter()
        run(sweeps)
        wait()
        out[str(dtype)] = {"millisecondsPerSweep": 1000 * (time.perf_counter() - start) / sweeps}
    return out


def bessel_scipy():
    import numpy as np
    import scipy
    from scipy import special

    n = 1000 if tiny else 10**6
    x = np.random.default_rng(0).uniform(1e-3, 500, n)
    out = {"version": scipy.__version__, "points": n}
    for name, f in (
        ("logIv", lambda: np.log(special.ive(3.5, x)) + x),
        ("logKv", lambda: np.log(special.kve(3.5, x)) - x),
    ):
        time_ = timed(f, lambda: None, seconds=4)
        out[name] = {**time_, "pointsPerSecond": n / (1e-3 * time_["milliseconds"])}
    return out


large = ((24, 16, 16, 5), 8) if tiny else ((8192, 8192, 8192, 1000), 4096)
small = ((6, 5, 5, 2), 4) if tiny else ((784, 256, 256, 10), 512)
tasks = {
    "hvp-mlp": {
        "torch": lambda: mlp_torch(*large, tf32=False),
        "torch-tf32": lambda: mlp_torch(*large, tf32=True),
        "jax": lambda: mlp_jax(*large),
    },
    "hvp-small": {"torch": lambda: mlp_torch(*small, tf32=False), "jax": lambda: mlp_jax(*small)},
    "hvp-resnet": {"torch": hvp_resnet},
    "slq": {"torch": slq},
    "bandwidth": {"torch": chain_torch, "jax": chain_jax},
    "sinkhorn": {"torch": sinkhorn_torch},
    "bessel": {"scipy": bessel_scipy},
}
for name, task in tasks[part].items():
    measure(name, task)
print(json.dumps(result))
