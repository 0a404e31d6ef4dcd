/** Every public function of the subpath, called with arguments that make no sense. */

import { activation, dense } from "@curv/nn";
import { ones, tensor, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { sweepArguments } from "../../../linsolve/test/support/nonsense.js";
import * as domain from "./index.js";
import { headedModel, viewEnvironments } from "./index.js";

const key = random.key(0);
const { signal } = new AbortController();
const onProgress = (): void => undefined;
const dtype = "float64";

const model = headedModel({ features: activation("tanh"), head: dense({ in: 2, out: 1 }) });
const params = model.init(key, { dtype });
const x = random.normal(key, { shape: [4, 2], dtype });
const environment = { x, y: tensor(Float64Array.of(0, 1, 0, 1)) };
const other = { x: x.neg(), y: environment.y };
const environments = [environment, other];
const views = viewEnvironments(model, params, environments);
const heads = views.map(({ head }) => head);
const images = ones([10, 2, 2], { dtype });
const labels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const square = (h: Tensor): Tensor => h.square().sum();
const optimizer = { init: () => null, update: (updates: unknown) => ({ updates, state: null }) };
const alignment = { method: "hutchinson", alpha: 1, beta: 1, probes: 2, key, reduce: "sum" };
const ofViews = () => ({ views });

sweepArguments(domain, {
  lenient: ["fishr"],
  by: { transferUpperBound: ["eigsh"] },
  users: ["dense"],
  calls: {
    domainAccuracy: () => ({ model, params, environment }),
    aligned: () => ({ options: alignment }),
    fishr: () => ({ decay: 0.9 }),
    statelessPenalty: () => ({ name: "mine", f: () => zeros([]) }),
    alignHeads: () => ({ heads, options: alignment }),
    diagonalEstimate: () => ({ head: heads[0], probes: ones([2, 3], { dtype }) }),
    hessianAlignment: () => ({
      model,
      params,
      environments,
      options: { ...alignment, loss: "bce", mode: "closed-form" },
    }),
    autodiffHeadStatistics: () => ({ f: square, h: ones([2], { dtype }) }),
    coralPenalty: ofViews,
    igaPenalty: ofViews,
    irmPenalty: ofViews,
    vrexPenalty: ofViews,
    fishrPenalty: () => ({ views, options: { averages: zeros([2, 3], { dtype }), decay: 0.9 } }),
    gradientVariance: () => ({ view: views[0] }),
    coloredDigits: () => ({ images, labels, options: { key, colorFlip: 0.1, labelFlip: 0.1 } }),
    rotatedDigits: () => ({ images, labels, options: { degrees: 30 } }),
    imbalancedSplit: () => ({ labels, options: { key, share: 0.6 } }),
    fishStep: () => ({
      params: ones([2], { dtype }),
      losses: [square, square],
      optimizer,
      state: null,
      options: { metaRate: 0.5 },
    }),
    headStatistics: () => ({ z: x, logits: ones([4, 1], { dtype }), y: environment.y, options: { loss: "bce" } }),
    headedModel: () => ({ layers: { features: activation("tanh"), head: dense({ in: 2, out: 1 }) } }),
    headProblem: () => ({ model, params, environment, options: { loss: "bce" } }),
    trainDomains: () => ({
      model,
      params,
      environments,
      options: {
        algorithm: "fish", key, weight: 1, annealSteps: 1, annealWeight: 1, steps: 2, weightDecay: 0.1,
        learningRate: 0.1, optimizer, batchSize: 2, metaRate: 0.5, watch: { environment }, watchEvery: 1,
        loss: "bce", mode: "closed-form", signal, onProgress,
      }, // prettier-ignore
    }),
    transferMeasure: () => ({
      source: square,
      target: square,
      head: ones([2], { dtype }),
      radius: 1,
      options: { tol: 0.1, maxIter: 2, sourceMinimum: 0, targetMinimum: 0, starts: 1, key, signal, onProgress },
    }),
    transferUpperBound: () => ({
      source: square,
      target: square,
      head: ones([2], { dtype }),
      radius: 1,
      options: { tol: 0.1, key, signal },
    }),
    viewEnvironments: () => ({ model, params, environments, options: { loss: "bce", mode: "closed-form" } }),
    whatAligns: () => ({ model, params, environments, options: { loss: "bce" } }),
  },
});
