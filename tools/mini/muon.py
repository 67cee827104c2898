"""Muon (Jordan et al., 2024; https://kellerjordan.github.io/posts/muon/): momentum whose update is made orthogonal.

Kept in float32, because the bfloat16 of many CPUs is slower; matrices of one shape go through one batched product.
"""

import torch


def orthogonalize(batch: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Newton-Schulz iteration on [count, rows, columns] matrices: all singular values go near 1."""
    x = batch.mT if batch.shape[1] > batch.shape[2] else batch
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if batch.shape[1] > batch.shape[2] else x


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.nn.Parameter]] = {}
            for parameter in group["params"]:
                shapes.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in shapes.items():
                updates = []
                for parameter in parameters:
                    state = self.state[parameter]
                    if not state:
                        state["momentum"] = torch.zeros_like(parameter)
                    state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                    updates.append(parameter.grad.lerp(state["momentum"], group["momentum"]))
                # The update has the size of an AdamW update: 0.2 root mean square.
                scale = 0.2 * max(shape) ** 0.5
                for parameter, update in zip(parameters, orthogonalize(torch.stack(updates))):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)
