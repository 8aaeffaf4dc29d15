/** Top-level await, which the page begins with, is in all browsers since 2021. */
export default { build: { target: "es2022" } };
