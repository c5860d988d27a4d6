"""Lets a block of timm call a mechanism of this project.

timm's blocks call their attention with tokens and keyword arguments of their own; a mechanism of
this project is called with tokens and their grid. `ConvertedAttention` translates.
"""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention
from attnbench.errors import UserError
from attnbench.spec import Grid


class TokenGrid:
    """Height and width of the token map, as the model's patch embedding says."""

    def __init__(self, patch_embed: Any, num_prefix_tokens: int) -> None:
        """The embedding is asked at each call, because timm's `set_input_size` changes it."""
        self.patch_embed = patch_embed
        self.num_prefix_tokens = num_prefix_tokens
        self._seen: Grid | None = None

    def follow_images(self) -> None:
        """For models that take images of any size: use the size of the latest images."""
        self.patch_embed.register_forward_pre_hook(self._look)

    def _look(self, module: Any, inputs: tuple[Tensor, ...]) -> None:
        height, width = module.dynamic_feat_size(inputs[0].shape[-2:])
        self._seen = int(height), int(width)

    def grid(self) -> Grid:
        """The grid of the tokens of the current call."""
        height, width = self._seen or self.patch_embed.grid_size
        return int(height), int(width)


class ConvertedAttention(nn.Module):
    """A mechanism of this project with the interface of timm's attentions."""

    layer: Attention
    rel_pos: Any

    def __init__(self, layer: Attention, tokens: TokenGrid, rel_pos: nn.Module | None) -> None:
        """`rel_pos` computes the position bias, for a layer that takes one."""
        super().__init__()
        self.layer = layer
        self.tokens = tokens
        self.rel_pos = rel_pos

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        attn_mask: Tensor | None = None,
        is_causal: bool = False,
        shared_rel_pos_bias: Tensor | None = None,
        shared_rel_pos: Tensor | None = None,
        rope: Tensor | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        """Mix the tokens; the keyword arguments are those of timm's blocks.

        A position bias that the layer does not take is dropped; `convert` has warned of it.

        Raises:
            UserError: there is a mask or rotary positions, or the number of tokens does not fit
                the grid.
        """
        if attn_mask is not None or is_causal or rope is not None:
            raise UserError("converted attentions take neither masks nor rotary positions")
        grid = self.tokens.grid()
        self._check(x, grid)
        if not self.layer.takes_position_bias:
            return self.layer(x, grid)
        shared = shared_rel_pos_bias if shared_rel_pos is None else shared_rel_pos
        return self.layer(x, grid, self._position_bias(shared))

    def _position_bias(self, shared: Tensor | None) -> Tensor | None:
        if self.rel_pos is None:
            return shared
        own = self.rel_pos.get_bias()
        return own if shared is None else own + shared

    def _check(self, x: Tensor, grid: Grid) -> None:
        expected = self.layer.num_tokens(grid)
        if x.shape[1] != expected:
            raise UserError(
                f"expected {expected} tokens ({self.layer.num_prefix_tokens} + {grid[0]} × "
                f"{grid[1]}), got {x.shape[1]}; give images of the model's size, and build it "
                "without patch dropout"
            )

    def set_window_size(self, window_size: Grid) -> None:
        """Called by timm's `set_input_size`: resize the table of relative positions, if any."""
        if self.rel_pos is not None:
            self.rel_pos.set_window_size(window_size)
