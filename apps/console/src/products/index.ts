export { Product } from "./product.tsx";
export { Products } from "./products.tsx";
