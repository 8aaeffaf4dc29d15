// Siblings need nothing that users do not have; the door is there as every library has two.
export {};
