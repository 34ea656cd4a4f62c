"""The command: python -m hack.demo.autoscaler."""

import sys
from collections.abc import Sequence

from hack.demo import picture
from hack.demo.autoscaler.stage import FULL, NAMESPACE, OURS, SHORT, Stage
from hack.demo.autoscaler.story import tell
from hack.demo.autoscaler.view import ART, draw
from hack.demo.command import Demo, folder, parser, play
from hack.demo.screen import Screen

DEMO = Demo(
    program="hack.demo.autoscaler",
    description="Meets a peak that recurs ahead of time, beside the HPA, on a real cluster.",
    short="a shorter peak and quicker replicas",
    folder="demo-autoscaler",
    looks=(
        f"kubectl get inferenceautoscalers,hpa,deployments -n {NAMESPACE}",
        f"kubectl describe inferenceautoscaler {OURS} -n {NAMESPACE}",
    ),
)


def main() -> int:
    """Plays the demo; 0 it went as it should, 1 it did not, 130 it was interrupted."""
    arguments = parser(DEMO).parse_args()
    screen = Screen(ART, plain=arguments.plain)
    act = SHORT if arguments.short else FULL
    stage = Stage(folder(DEMO, arguments.name), screen.say, act)

    def told() -> Sequence[str]:
        all_of_it = tell(stage, screen, keep=arguments.keep)
        if arguments.picture:
            drawn = map(draw, all_of_it.scenes)
            picture.write(arguments.picture, "make demo-autoscaler", drawn, all_of_it.summary)
        return all_of_it.summary

    return play(DEMO, stage, screen.say, told, keep=arguments.keep)


if __name__ == "__main__":
    sys.exit(main())
