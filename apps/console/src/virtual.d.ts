/** Made by `build/coastline.ts`. */
declare module "virtual:coastline" {
  const rings: readonly (readonly number[])[];
  export default rings;
}

/** Style sheets are gathered by vite. */
declare module "*.css";
