"""The charts are installed by Helm, and what they promise at once is so."""

from tests.e2e.stories.release import Release


def test_the_operator_is_ready_as_helm_says_so_and_its_own_check_passes(release: Release) -> None:
    assert len(release.ready()) == len(release.pods()) == 2
    said = release.test()
    assert 'ready: {"ok": true' in said
    assert "accepted: ModelCanary" in said
    assert "accepted: InferenceAutoscaler" in said
    assert release.restarts() == 0


def test_one_replica_leads_and_the_other_stands_by_ready(release: Release) -> None:
    leads = {pod: release.readiness(pod)["leader"] for pod in release.pods()}
    assert sorted(leads.values()) == [False, True]
    assert leads[release.leader()]
    assert all(release.readiness(pod)["off"] == {} for pod in leads)
