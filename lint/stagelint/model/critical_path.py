"""The chain of steps that a build cannot be quicker than, however many run at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import networkx as nx


def critical_path(
    waits: Mapping[str, Collection[str]], cost: Mapping[str, float]
) -> tuple[list[str], float]:
    """The costliest chain of steps each of which waits for the one before, and what it costs.

    *waits* says for each step which it waits for, all of them steps as well; *cost* what each takes,
    in any unit. Of chains that cost the same it is one; there is none where there are no steps.
    """
    if not waits:
        return [], 0.0
    graph: nx.DiGraph[str] = nx.DiGraph()
    start = ""
    for step, before in waits.items():
        for each in before or (start,):
            graph.add_edge(each, step, weight=cost[step])
    path = [each for each in nx.dag_longest_path(graph) if each != start]
    return path, sum(cost[each] for each in path)
