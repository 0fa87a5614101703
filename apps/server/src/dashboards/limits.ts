/** Of one organisation. */
export const mostDashboards = 200;
/** Bytes of one, as it is kept. */
export const mostBytes = 65_536;
/** Devices that one answer names; a map shows as many. */
export const mostShown = 500;
/** Devices of one line that is drawn for each. */
export const mostOfLine = 12;
