export { GatewiseError } from "../errors.js";
