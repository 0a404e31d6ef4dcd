"""NumPy, PyTorch and JAX as peers: reads one JSON request a line, prepares a task or times it, answers one JSON line.

python.ts starts it: python.py <threads>. A task is a function of this file named <library>_<task>; it takes the inputs as arrays and
returns a call without arguments, whose result (an array or a list of them) is compared with Curv's before it is timed.
"""

import base64
import importlib.metadata
import json
import os
import sys
import time

threads = int(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(threads)
os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
os.environ["NPROC"] = str(threads)  # The size of XLA's thread pool.
if threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402  (the settings above must come first)


def load(library):
    if library == "numpy":
        return np
    if library == "torch":
        import torch

        torch.set_num_threads(threads)
        return torch
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


# ---- The tanh network: parameters w1 b1 w2 b2 w3 b3, then x, y, then the direction of a Hessian product.


def torch_mlp(inputs):
    import torch

    parameters = [p.clone().requires_grad_() for p in inputs[:6]]
    x, y = inputs[6:8]

    def loss():
        w1, b1, w2, b2, w3, b3 = parameters
        h = torch.tanh(x @ w1 + b1)
        h = torch.tanh(h @ w2 + b2)
        return ((h @ w3 + b3 - y) ** 2).mean()

    return parameters, loss


def torch_loss(*inputs):
    _, loss = torch_mlp(inputs)
    return loss


def torch_grad(*inputs):
    import torch

    parameters, loss = torch_mlp(inputs)
    return lambda: torch.autograd.grad(loss(), parameters)


def torch_hvp(*inputs):
    import torch

    parameters, loss = torch_mlp(inputs)
    direction = inputs[8:]

    def product():
        gradient = torch.autograd.grad(loss(), parameters, create_graph=True)
        return torch.autograd.grad(gradient, parameters, grad_outputs=direction)

    return product


def jax_loss_function(p, x, y):
    import jax.numpy as jnp

    w1, b1, w2, b2, w3, b3 = p
    h = jnp.tanh(x @ w1 + b1)
    h = jnp.tanh(h @ w2 + b2)
    return jnp.mean((h @ w3 + b3 - y) ** 2)


def jax_loss(*inputs):
    import jax

    f = jax.jit(jax_loss_function)
    return lambda: f(inputs[:6], inputs[6], inputs[7])


def jax_grad(*inputs):
    import jax

    f = jax.jit(jax.grad(jax_loss_function))
    return lambda: f(inputs[:6], inputs[6], inputs[7])


def jax_hvp(*inputs):
    import jax

    @jax.jit
    def f(p, v, x, y):
        return jax.jvp(lambda q: jax.grad(jax_loss_function)(q, x, y), (p,), (v,))[1]

    return lambda: f(inputs[:6], inputs[8:], inputs[6], inputs[7])


def jax_compileHvp(*inputs):
    import jax

    def f(p, v, x, y):
        return jax.jvp(lambda q: jax.grad(jax_loss_function)(q, x, y), (p,), (v,))[1]

    def compiled():
        jax.clear_caches()
        jax.jit(f).lower(inputs[:6], inputs[8:], inputs[6], inputs[7]).compile()
        return []

    return compiled


# ---- The convolutional network: parameters w1 b1 w2 b2 w3 b3, then images and labels.


def torch_cnnStep(*inputs):
    import torch
    import torch.nn.functional as F

    parameters = [p.clone().requires_grad_() for p in inputs[:6]]
    w1, b1, w2, b2, w3, b3 = parameters
    x, y = inputs[6:]

    def step():
        h = F.max_pool2d(F.relu(F.conv2d(x, w1, b1, padding=1)), 2)
        h = F.max_pool2d(F.relu(F.conv2d(h, w2, b2, padding=1)), 2)
        loss = -(torch.log_softmax(h.flatten(1) @ w3 + b3, 1) * y).sum() / len(x)
        gradient = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            return [p - g for p, g in zip(parameters, gradient)]

    return step


def torch_residual(inputs):
    """Loss of a residual network for CIFAR with batch norm in evaluation mode, from parameters by layer (see nn/resnet.ts)."""
    import torch
    import torch.nn.functional as F

    count = (len(inputs) - 2) // 2
    parameters = [p.clone().requires_grad_() for p in inputs[:count]]
    directions = inputs[count : 2 * count]
    x, y = inputs[2 * count], inputs[2 * count + 1].long()

    def normalised(h, shift, scale):
        return h * (scale / (1 + 1e-5) ** 0.5).view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)

    def loss():
        p = iter(parameters)
        h = F.relu(normalised(F.conv2d(x, next(p), padding=1), next(p), next(p)))
        for block in range((count - 5) // 6):
            first = next(p)
            stride = 1 if first.shape[0] == first.shape[1] else 2
            inner = F.relu(normalised(F.conv2d(h, first, padding=1, stride=stride), next(p), next(p)))
            inner = normalised(F.conv2d(inner, next(p), padding=1), next(p), next(p))
            short = F.pad(h[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, first.shape[0] - h.shape[1]))
            h = F.relu(short + inner)
        bias, weight = next(p), next(p)
        return F.cross_entropy(h.mean((2, 3)) @ weight.T + bias, y)

    return parameters, directions, loss


def torch_resnetGradient(*inputs):
    import torch

    parameters, _, loss = torch_residual(inputs)

    def gradient():
        return [torch.cat([g.flatten() for g in torch.autograd.grad(loss(), parameters)])]

    return gradient


def torch_resnetHvp(*inputs):
    import torch

    parameters, directions, loss = torch_residual(inputs)
    gradient = torch.autograd.grad(loss(), parameters, create_graph=True)

    def product():
        rows = torch.autograd.grad(gradient, parameters, directions, retain_graph=True)
        return [torch.cat([g.flatten() for g in rows])]

    return product


def jax_cnnStep(*inputs):
    import jax
    import jax.numpy as jnp

    def pooled(h, b):
        h = jax.nn.relu(h + b[:, None, None])
        return jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(p, x, y):
        w1, b1, w2, b2, w3, b3 = p
        h = pooled(jax.lax.conv_general_dilated(x, w1, (1, 1), "SAME"), b1)
        h = pooled(jax.lax.conv_general_dilated(h, w2, (1, 1), "SAME"), b2)
        return -(jax.nn.log_softmax(h.reshape(len(x), -1) @ w3 + b3) * y).sum() / len(x)

    @jax.jit
    def step(p, x, y):
        return [w - g for w, g in zip(p, jax.grad(loss)(p, x, y))]

    return lambda: step(inputs[:6], inputs[6], inputs[7])


# ---- Single operations. `elementwise` gives eager ones in PyTorch; JAX's are compiled, as its users would have them.


def torch_add(x, y):
    return lambda: x + y


def torch_mulNumber(x):
    return lambda: x * 2.5


def torch_tanh(x):
    return lambda: x.tanh()


def torch_exp(x):
    return lambda: x.exp()


def torch_log(x):
    return lambda: x.log()


def torch_chain(x, y):
    return lambda: ((x * y + x) * 0.5 - y).clamp(min=-0.25) * y


def torch_softmaxLoss(x, y):
    import torch

    logits = x.clone().requires_grad_()

    def value_and_gradient():
        value = -(torch.log_softmax(logits, 1) * y).sum()
        return [value.reshape(1), *torch.autograd.grad(value, [logits])]

    return value_and_gradient


def torch_sum(x):
    return lambda: x.sum()


def torch_reshape(x):
    return lambda: x.reshape(4, 4)


def torch_matmul(x, y):
    return lambda: x @ y


def torch_cholesky(x):
    import torch

    return lambda: torch.linalg.cholesky(x)


def torch_eigh(x):
    import torch

    return lambda: torch.linalg.eigh(x)[0]


def torch_svd(x):
    import torch

    return lambda: torch.linalg.svd(x, full_matrices=False)[1]


def numpy_matmul(x, y):
    return lambda: x @ y


def numpy_products(shapes):
    """Nothing but products of these shapes, into arrays that are there already. The shapes come in the precision of the products."""
    new = lambda *shape: np.ones(shape, shapes.dtype)
    work = [(new(m, k), new(k, n), new(m, n)) for m, k, n in shapes.astype(int)]

    def products():
        for a, b, out in work:
            np.matmul(a, b, out=out)
        return []

    return products


def numpy_exp(x):
    return lambda: np.exp(x)


def numpy_sum(x):
    return lambda: np.sum(x)


def numpy_cumsum(x):
    return lambda: np.cumsum(x)


def numpy_sort(x):
    return lambda: np.sort(x)


def numpy_fft(re, im):
    z = re + 1j * im

    def transform():
        out = np.fft.fft(z)
        return [out.real, out.imag]

    return transform


def numpy_lu(x):
    import scipy.linalg as sla

    return lambda: sla.lu(x)[2]


def numpy_qr(x):
    return lambda: np.abs(np.linalg.qr(x)[1])  # Signs are a matter of taste.


def numpy_cholesky(x):
    return lambda: np.linalg.cholesky(x)


def numpy_eigh(x):
    return lambda: np.linalg.eigh(x)[0]


def numpy_svd(x):
    return lambda: np.linalg.svd(x, full_matrices=False)[1]


def numpy_gridCg(b, side):
    import scipy.sparse as sp
    import scipy.sparse.linalg as sla

    n = int(side[0])
    line = sp.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    eye = sp.eye_array(n)
    a = (sp.kron(line, eye) + sp.kron(eye, line) + 0.1 * sp.eye_array(n * n)).tocsr()
    return lambda: sla.cg(a, b, rtol=1e-300, maxiter=100)[0]


def numpy_denseCg(b):
    import scipy.sparse.linalg as sla

    i = np.arange(len(b))
    a = 1 / (1 + np.abs(i[:, None] - i)) + 3 * np.eye(len(b))
    return lambda: sla.cg(a, b, rtol=1e-300, maxiter=100)[0]


def numpy_logIv(v, x):
    import scipy.special as special

    return lambda: np.log(special.ive(v, x)) + x


def numpy_logKv(v, x):
    import scipy.special as special

    return lambda: np.log(special.kve(v, x)) - x


def numpy_vmfConcentration(p, lengths):
    """As scipy.stats.vonmises_fisher.fit finds it, for each length."""
    from scipy.optimize import root_scalar
    from scipy.special import ive

    order = p[0] / 2

    def concentration(length):
        def excess(kappa):
            upper, lower = ive([order, order - 1], kappa)
            return upper / lower - length

        return root_scalar(excess, method="brentq", bracket=(1e-8, 1e9)).root

    return lambda: np.array([concentration(length) for length in lengths])


def torch_fft(re, im):
    import torch

    z = torch.complex(re, im)

    def transform():
        out = torch.fft.fft(z)
        return [out.real, out.imag]

    return transform


def jax_compiled(f, *inputs):
    import jax

    g = jax.jit(f)
    return lambda: g(*inputs)


def jax_add(x, y):
    return jax_compiled(lambda a, b: a + b, x, y)


def jax_tanh(x):
    import jax.numpy as jnp

    return jax_compiled(jnp.tanh, x)


def jax_exp(x):
    import jax.numpy as jnp

    return jax_compiled(jnp.exp, x)


def jax_log(x):
    import jax.numpy as jnp

    return jax_compiled(jnp.log, x)


def jax_chain(x, y):
    import jax.numpy as jnp

    return jax_compiled(lambda a, b: jnp.maximum((a * b + a) * 0.5 - b, -0.25) * b, x, y)


def jax_softmaxLoss(x, y):
    import jax

    f = jax.jit(jax.value_and_grad(lambda a: -(jax.nn.log_softmax(a, axis=1) * y).sum()))

    def value_and_gradient():
        value, gradient = f(x)
        return [value.reshape(1), gradient]

    return value_and_gradient


def jax_matmul(x, y):
    return jax_compiled(lambda a, b: a @ b, x, y)


def jax_cholesky(x):
    import jax.numpy as jnp

    return jax_compiled(jnp.linalg.cholesky, x)


def jax_eigh(x):
    import jax.numpy as jnp

    return jax_compiled(lambda a: jnp.linalg.eigh(a), x)


def jax_svd(x):
    import jax.numpy as jnp

    return jax_compiled(lambda a: jnp.linalg.svd(a, full_matrices=False), x)


# ---- The conversation.

# As clock.ts.
clock = time.process_time if os.environ.get("CURV_BENCH_CLOCK") == "cpu" else time.perf_counter

prepared = []


def prepare(request):
    library = load(request["library"])
    dtype = np.dtype(request["precision"])
    arrays = [
        np.frombuffer(base64.b64decode(i["base64"]), i["dtype"]).astype(dtype).reshape(i["shape"])
        for i in request["inputs"]
    ]
    if request["library"] == "numpy":
        inputs = arrays
        wait = lambda result: result
    elif request["library"] == "torch":
        inputs = [library.from_numpy(a) for a in arrays]
        wait = lambda result: result
    else:
        inputs = [library.numpy.asarray(a) for a in arrays]
        wait = library.block_until_ready
    call = globals()[f"{request['library']}_{request['task']}"](*inputs)
    result = wait(call())
    # Of a decomposition (a tuple with several factors) Curv compares the values only, which do not depend on signs.
    place = {"eigh": 0, "svd": 1}.get(request["task"])
    if place is not None and isinstance(result, tuple):
        result = result[place]
    parts = result if isinstance(result, (list, tuple)) else [result]
    as_numpy = lambda p: (p.detach() if hasattr(p, "detach") else p)
    values = np.concatenate([np.asarray(as_numpy(p)).reshape(-1) for p in parts] + [[]]).astype("<f8")
    prepared.append((call, wait))
    return {
        "id": len(prepared) - 1,
        "version": version(request["library"], request["name"]),
        "values": base64.b64encode(values.tobytes()).decode(),
    }


def version(library, name):
    """What a time is worth nothing without: the release, and which instructions it uses where it says so."""
    if name in ("SciPy", "POT"):
        return importlib.metadata.version(name)
    if library == "torch":
        import torch

        return f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    if library == "jax":
        import jax

        return jax.__version__
    return np.__version__


def measure(task, calls):
    call, wait = prepared[task]
    start = clock()
    for _ in range(calls):
        result = call()
        wait(result)
    return {"seconds": clock() - start}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = prepare(request["prepare"]) if "prepare" in request else measure(request["time"], request["calls"])
    except Exception as error:  # Reported as "not measured", with the reason.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
