// Images as sequences of rows, and how they are learned.

import { readCifar10, readMnist } from "gatewise/data";
import { findFile } from "../learning/folder.js";
import type { Task } from "../learning/recipe.js";

const images = (folder: string, source: string) => (...names: readonly string[]) => findFile(folder, "images", names, source);

const recipe = { units: 128, bidirectional: false, scaling: "none", batchSize: 64, epochs: 10 } as const;

/** 28 rows of 28 values, from 0 to 1: the first 10,000 images of the training part, and all 10,000 of the test part. */
export const MNIST: Task = {
  dataset: "mnist-rows",
  about: "MNIST: which digit is it? A row of the image is a step.",
  async read(folder) {
    const source = "Get MNIST's four files from yann.lecun.com/exdb/mnist or a mirror of it; gzipped or not.";
    const file = images(folder, source);
    const of = (names: readonly string[], what: string) => file(...names.map((name) => `${name}-${what}-ubyte`));
    const read = (names: readonly string[], options = {}) => readMnist({ images: of(names, "images-idx3"), labels: of(names, "labels-idx1") }, options);
    return { training: await read(["train", "mnist-train-10k"], { limit: 10_000 }), test: await read(["t10k", "mnist-test-10k"]) };
  },
  recipe: () => recipe,
  pytorch: [0.9753, 0.9753],
};

/**
 * 32 rows of 96 values, three colours side by side, standardised by one mean and deviation: the first 5,000 images of the training
 * part, and the first 1,000 of the test part.
 */
export const CIFAR: Task = {
  dataset: "cifar-rows",
  about: "CIFAR-10: what is in the picture? A row of the image is a step.",
  async read(folder) {
    const file = images(folder, "Get CIFAR-10's binary version from www.cs.toronto.edu/~kriz/cifar.html, and unpack it; gzipped files will do.");
    const training = await readCifar10(file("data_batch_1.bin", "cifar10-train-5k.bin"), { scaling: "standard", limit: 5000 });
    const test = await readCifar10(file("test_batch.bin", "cifar10-test-1k.bin"), { scaling: training.scaling, limit: 1000 });
    return { training, test };
  },
  recipe: () => recipe,
  pytorch: [0.427, 0.427],
};
