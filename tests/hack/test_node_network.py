"""The network of the real node never is one that the machine already routes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hack.cluster import certificates
from hack.cluster.node.host import NodeError
from hack.cluster.node.network import DNS, Net, Network, choose

networks = st.builds(
    lambda address, length: Net((address, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(16, 32),
)


@given(st.lists(networks, max_size=8), st.integers(0, 369))
def test_it_overlaps_nothing_that_is_routed_nor_the_services_nor_the_fake_pods(
    routed: list[Net], slot: int
) -> None:
    chosen = Network(choose(routed, slot))
    others = [*routed, Net(certificates.SERVICES), Net("10.240.0.0/16")]
    assert not any(chosen.whole.overlaps(other) for other in others)
    assert Net(chosen.host).subnet_of(chosen.cable)
    assert Net(chosen.node).subnet_of(chosen.cable)
    assert not chosen.pods.overlaps(chosen.cable)


def test_a_vpn_over_all_of_ten_leaves_the_networks_for_tests_of_devices() -> None:
    assert choose([Net("10.0.0.0/8"), Net("198.18.0.0/16")], slot=3) == Net("198.19.0.0/16")


def test_a_node_that_comes_back_finds_its_network_where_others_look_last() -> None:
    assert choose([], slot=1) != choose([], slot=2)


def test_where_all_is_routed_the_error_says_by_what() -> None:
    with pytest.raises(NodeError, match=r"10\.0\.0\.0/8, 198\.18\.0\.0/15"):
        choose([Net("10.0.0.0/8"), Net("198.18.0.0/15")], slot=0)


def test_the_dns_service_has_the_tenth_address_of_the_services() -> None:
    assert DNS == "10.96.0.10"
