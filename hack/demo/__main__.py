"""The command: python -m hack.demo."""

import sys
from collections.abc import Sequence

from hack.demo import picture
from hack.demo.command import Demo, folder, parser, play
from hack.demo.screen import Screen
from hack.demo.stage import NAME, NAMESPACE, Stage
from hack.demo.story import tell
from hack.demo.view import ART, draw

DEMO = Demo(
    program="hack.demo",
    description="Promotes a good model and takes a faulty one back, on a real cluster.",
    short="shorter steps; the same evidence",
    folder="demo",
    looks=(
        f"kubectl get modelcanaries -n {NAMESPACE}",
        f"kubectl describe modelcanary {NAME} -n {NAMESPACE}",
    ),
)


def main() -> int:
    """Plays the demo; 0 it went as it should, 1 it did not, 130 it was interrupted."""
    arguments = parser(DEMO).parse_args()
    screen = Screen(ART, plain=arguments.plain)
    stage = Stage(folder(DEMO, arguments.name), screen.say)

    def told() -> Sequence[str]:
        all_of_it = tell(stage, screen, short=arguments.short, keep=arguments.keep)
        if arguments.picture:
            scenes = (all_of_it.promotion[0], all_of_it.rollback[0])
            picture.write(arguments.picture, "make demo", map(draw, scenes), all_of_it.summary)
        return all_of_it.summary

    return play(DEMO, stage, screen.say, told, keep=arguments.keep)


if __name__ == "__main__":
    sys.exit(main())
