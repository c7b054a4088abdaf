import { createModel } from "gatewise";
import { readFileSync } from "node:fs";
const load=(s:string)=>{const r=readFileSync(`examples/browser/data/${s}.csv`,"utf8").trim().split("\n").slice(1).map(l=>l.split(","));return {x:Float32Array.from(r.flatMap(a=>a.slice(1).map(Number))),shape:[r.length,24,1] as const,targets:r.map(a=>a[0] as "winter"|"summer")}};
const tr=load("train"),te=load("test");
for (const backend of ["wasm"] as const) for (const [units,epochs,lr] of [[128,60,1e-3],[128,60,4e-3],[128,100,1e-3],[64,150,1e-3]] as const) for (const seed of backend=="wasm"?[7]:[1,2,7]) {
const m=await createModel({input:{features:1},layers:[{cell:"lstm",units}],output:{classes:["winter","summer"]},seed},{backend});
const t=performance.now();const h=await m.fit(tr,{epochs,batchSize:16,optimizer:{kind:"adam",learningRate:lr},clipNorm:1});
const ms=performance.now()-t;const r=await m.evaluate(te);console.log(backend,units,epochs,lr,seed,ms.toFixed(0),"ms",h.steps,h.losses.at(-1)!.toFixed(4),r.loss.toFixed(4),r.accuracy.toFixed(4), h.epochs.filter((_,i)=>i%10==9).map(e=>e.loss.toFixed(3)).join(" "));m.dispose();}
