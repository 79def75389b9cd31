import { show } from "./show";
import Welcome from "./welcome/Welcome.svelte";

show(Welcome);
