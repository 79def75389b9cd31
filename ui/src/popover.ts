import { show } from "./show";
import Popover from "./popover/Popover.svelte";

show(Popover);
