"""Makes the network cases in tests/conformance/extra with PyTorch in float64, rounded once.

Networks that tests/conformance/cases leaves out: every normalization, both shortcuts, 20 and 56 layers. FORMAT.md
there says what stands in a case. Needs PyTorch 1.13 or later:

    python3 tests/oracle/conformance_nets.py
"""

import json
import struct
from pathlib import Path

import torch
import torch.nn.functional as F

EXTRA = Path(__file__).parents[1] / "conformance" / "extra"
STEPS = 3
EPS, MOMENTUM = 1e-5, 0.1


class Net:
    """A CIFAR network of He et al. 2015 as functions of named parameters."""

    def __init__(self, depth, width, residual, shortcut, norm, groups, size, generator):
        self.residual, self.shortcut, self.norm, self.groups = residual, shortcut, norm, groups
        self.blocks = (depth - 2) // 6
        self.parameters, self.running = {}, {}
        self.generator = generator
        self.conv("conv1", 3, width, 3)
        self.add_norm("bn1", width, size)
        channels = width
        for stage in range(3):
            out = width * 2**stage
            for block in range(self.blocks):
                name = f"layer{stage + 1}.{block}"
                if stage > 0 and block == 0:
                    size //= 2
                self.conv(f"{name}.conv1", channels, out, 3)
                self.add_norm(f"{name}.bn1", out, size)
                self.conv(f"{name}.conv2", out, out, 3)
                self.add_norm(f"{name}.bn2", out, size)
                if residual and shortcut == "B" and channels != out:
                    self.conv(f"{name}.downsample.0", channels, out, 1)
                    self.add_norm(f"{name}.downsample.1", out, size)
                channels = out
        self.parameters["fc.weight"] = self.randn(10, channels) * 0.3
        self.parameters["fc.bias"] = self.randn(10) * 0.1

    def randn(self, *shape):
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64).float().double()

    def conv(self, name, inputs, outputs, kernel):
        deviation = (2 / (inputs * kernel * kernel)) ** 0.5
        self.parameters[f"{name}.weight"] = (self.randn(outputs, inputs, kernel, kernel) * deviation).float().double()

    def add_norm(self, name, channels, size):
        if self.norm == "none":
            return
        shape = (channels, size, size) if self.norm == "layer" else (channels,)
        self.parameters[f"{name}.weight"] = (1 + 0.2 * self.randn(*shape)).float().double()
        self.parameters[f"{name}.bias"] = (0.1 * self.randn(*shape)).float().double()
        if self.norm == "batch":
            self.running[f"{name}.running_mean"] = torch.zeros(channels, dtype=torch.float64)
            self.running[f"{name}.running_var"] = torch.ones(channels, dtype=torch.float64)

    def normalize(self, p, running, name, x):
        if self.norm == "none":
            return x
        weight, bias = p[f"{name}.weight"], p[f"{name}.bias"]
        if self.norm == "batch":
            mean, var = running[f"{name}.running_mean"], running[f"{name}.running_var"]
            return F.batch_norm(x, mean, var, weight, bias, True, MOMENTUM, EPS)
        if self.norm == "layer":
            return F.layer_norm(x, x.shape[1:], weight, bias, EPS)
        groups = x.shape[1] if self.norm == "instance" else self.groups
        return F.group_norm(x, groups, weight, bias, EPS)

    def forward(self, p, running, x):
        h = F.relu(self.normalize(p, running, "bn1", F.conv2d(x, p["conv1.weight"], padding=1)))
        for stage in range(3):
            for block in range(self.blocks):
                name = f"layer{stage + 1}.{block}"
                stride = 2 if stage > 0 and block == 0 else 1
                y = F.conv2d(h, p[f"{name}.conv1.weight"], stride=stride, padding=1)
                y = F.relu(self.normalize(p, running, f"{name}.bn1", y))
                y = F.conv2d(y, p[f"{name}.conv2.weight"], padding=1)
                y = self.normalize(p, running, f"{name}.bn2", y)
                if self.residual:
                    y = y + self.carry(p, running, name, h, y, stride)
                h = F.relu(y)
        return F.linear(h.mean((2, 3)), p["fc.weight"], p["fc.bias"])

    def carry(self, p, running, name, x, y, stride):
        if x.shape == y.shape:
            return x
        if self.shortcut == "B":
            x = F.conv2d(x, p[f"{name}.downsample.0.weight"], stride=stride)
            return self.normalize(p, running, f"{name}.downsample.1", x)
        missing = y.shape[1] - x.shape[1]
        before = missing // 2 if self.shortcut == "both" else 0
        return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, before, missing - before))


def train(net, x, labels, lr, dtype):
    """Losses before each step and after the last, and what stood after the first pass and the first step."""
    p = {k: v.detach().clone().to(dtype).requires_grad_() for k, v in net.parameters.items()}
    running = {k: v.to(dtype).clone() for k, v in net.running.items()}
    optimizer = torch.optim.SGD(p.values(), lr=lr, momentum=0.9, weight_decay=1e-4)
    losses, first = [], {}
    for step in range(STEPS + 1):
        optimizer.zero_grad()
        logits = net.forward(p, running, x.to(dtype))
        loss = F.cross_entropy(logits, labels)
        losses.append(loss.item())
        loss.backward()
        if step == 0:
            first["logits_0"] = logits.detach().clone()
            first.update({f"grad/{k}": v.grad.clone() for k, v in p.items()})
            first.update({f"running_after_step1/{k}": v.clone() for k, v in running.items()})
        optimizer.step()
        if step == 0:
            first.update({f"param_after_step1/{k}": v.detach().clone() for k, v in p.items()})
    return losses, first


def case(name, depth, residual, shortcut, norm, groups=None, width=2, size=8, batch=4, lr=0.005):
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    net = Net(depth, width, residual, shortcut, norm, groups, size, generator)
    x = net.randn(batch, 3, size, size)
    labels = torch.randint(0, 10, (batch,), generator=generator)
    losses, first = train(net, x, labels, lr, torch.float64)
    single, _ = train(net, x, labels, lr, torch.float32)
    trusted = next((i for i, (a, b) in enumerate(zip(losses, single)) if abs(a - b) > 1e-3 * abs(a)), len(losses))
    tensors = {"x": x, **{f"param/{k}": v for k, v in net.parameters.items()}}
    # Of deep plain networks only the first loss means anything.
    tensors.update(first if residual or depth < 56 else {"logits_0": first["logits_0"]})
    index, data = [], b""
    for key, value in tensors.items():
        flat = value.detach().float().flatten().tolist()
        index.append({"name": key, "shape": list(value.shape), "offset": len(data) // 4, "count": len(flat)})
        data += struct.pack(f"<{len(flat)}f", *flat)
    content = {
        "name": name,
        "arch": {
            "depth": depth,
            "width": width,
            "input": [batch, 3, size, size],
            "residual": residual,
            "shortcut": shortcut,
            "norm": norm,
            **({"groups": groups} if groups else {}),
            "classes": 10,
        },
        "loss": "mean softmax cross entropy",
        "labels": labels.tolist(),
        "optimizer": {"type": "sgd", "lr": lr, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": False},
        "loss_0": losses[0],
        "losses": losses,
        "trustworthy_losses": trusted,
        "data_file": f"{name}.bin",
        "parameters": list(net.parameters),
        "tensors": index,
    }
    (EXTRA / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
    (EXTRA / f"{name}.bin").write_bytes(data)
    print(name, f"loss {losses[0]:.4f}, {trusted} of {len(losses)} losses trusted, {len(data) // 1024} kB")


case("resnet20_w2_batch_both", 20, True, "both", "batch")
case("resnet20_w2_batch_B", 20, True, "B", "batch")
case("resnet20_w2_group2_B", 20, True, "B", "group", groups=2)
case("resnet20_w2_instance_end", 20, True, "end", "instance")
case("resnet20_w2_layer_end", 20, True, "end", "layer")
case("plain20_w2_group2", 20, False, None, "group", groups=2)
case("plain20_w2_layer", 20, False, None, "layer")
case("resnet20_w2_none_end", 20, True, "end", "none", lr=0.0005)
case("resnet56_w2_batch_end", 56, True, "end", "batch")
case("resnet56_w2_group1_B", 56, True, "B", "group", groups=1)
case("plain56_w2_batch", 56, False, None, "batch")
