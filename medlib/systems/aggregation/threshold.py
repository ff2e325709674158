"""How many must stay, so that few who collude can open nothing and few who vanish spoil nothing."""

from __future__ import annotations

__all__ = ["threshold_range"]


def threshold_range(n: int, colluders: int, dropouts: int, *, server: str = "lying") -> range:
    """The thresholds that keep every honest client's update hidden, and still end the round.

        n - d  >=  t  >=  k + 2                       against a server that is only curious
        n - d  >=  t  >=  max(k + 2, ⌊(n + k)/2⌋ + 1)  against one that lies

    With t <= k the colluders hold t shares of everything. With t = k + 1 a round may end with one
    honest survivor, and the sum less what colluders know is that one's update: hence k + 2. A lying
    server needs two groups of t who were told different survivors; colluders stand in both, honest
    clients in one, so 2 t > n + k leaves it none. With less than a third colluding, t = ⌊2n/3⌋ + 1
    is always among them, which is the paper's advice for that case.

    Args:
        n: clients.
        colluders: k, how many may show the server all they know, 0..n - 2.
        dropouts: d, how many honest ones may vanish.
        server: "curious" or "lying".

    Returns:
        All thresholds that serve; its first leaves most room for dropouts.

    Raises:
        ValueError: no threshold serves; the message says how few may drop out at most.

    Example:
        >>> threshold_range(10, 3, 2)
        range(7, 9)

    Source: Bonawitz et al. 2017, section 6, doi:10.1145/3133956.3133982; k + 2 is ours.
    """
    if server not in ("curious", "lying"):
        raise ValueError(f"server is {server!r}; choose 'curious' or 'lying'")
    if not 0 <= colluders <= n - 2 or not 0 <= dropouts <= n:
        raise ValueError(
            f"n is {n}, colluders {colluders}, dropouts {dropouts}; two clients at least "
            "are honest: of one alone the sum itself tells all"
        )
    least = colluders + 2
    if server == "lying":
        least = max(least, (n + colluders) // 2 + 1)
    if least > n - dropouts:
        raise ValueError(
            f"no threshold for n = {n}: against {colluders} colluders and a {server} server it "
            f"must be at least {least}, and after {dropouts} dropouts {n - dropouts} are left; at "
            f"most {n - least} may drop out"
        )
    return range(least, n - dropouts + 1)
