/** The package's version; a test holds it equal to package.json, which a start need not read. */
export const VERSION = '0.1.0';
