// wasm-vips' loader without code made of text, which the page's policy forbids: two functions of Emscripten's embind put together
// JavaScript for each method that is called; here they are closures that do the same (as Emscripten's DYNAMIC_EXECUTION=0).
// Invariant: what is replaced is there exactly once, to the letter; a new version of wasm-vips fails the build until it is read again.

/** Calls of methods: arguments to the wire, the call, what is freed, the result. `h`, `l`, `m`, `c`, `p` are as its own code has them. */
const INVOKER = {
  from: 'b=(new Function(v,n+"}\\n"))(...d);return Me(a,b)}',
  to: `b=((s,types,args,isMethod,frees,stacks,returns)=>function(...given){
const destructors=frees?[]:null,sp=stacks?s.stackSave():0,wired=[];let rv;
try{
if(isMethod)wired.push(s.toClassParamWire(destructors,this));
for(let i=0;i<args;++i)wired.push(s["toArg"+i+"Wire"](destructors,given[i]));
rv=s.invoker(s.fn,...wired)
}finally{if(stacks)s.stackRestore(sp)}
if(frees)s.runDestructors(destructors);
else for(let i=isMethod?1:2;i<types.length;++i)if(types[i].I!==null){const name=i===1?"thisWired":"arg"+(i-2)+"Wired";s[name+"_dtor"](wired[i-(isMethod?1:2)])}
if(returns)return s.fromRetWire(rv)
})(Object.fromEntries(v.map((name,i)=>[name,d[i]])),b,p,c,h,l,m);return Me(a,b)}`,
};

/** Calls from WebAssembly to JavaScript values: by kind, a function, a constructor, a cast or a method. */
const CALLER = {
  from: "c=(new Function(Object.keys(h),l))(...Object.values(h));",
  to: `c=((kind,isVoid,toReturn,read)=>function(handle,methodName,destructorsRef,args){
const values=read.map((from,i)=>from(args+8*i));let made;
switch(kind){case 0:made=Y(handle)(...values);break;case 2:made=new(Y(handle))(...values);break;case 3:made=values.at(-1);break;case 1:made=Y(handle)[th(methodName)](...values)}
if(!isVoid)return rh(toReturn,destructorsRef,made)
})(c,b.kb,e,g);`,
};

/**
 * The loader's code with both replaced.
 *
 * @param {string} code - of wasm-vips/lib/vips-es6.js
 */
export function withoutEval(code) {
  return [INVOKER, CALLER].reduce((text, { from, to }) => {
    const parts = text.split(from);
    if (parts.length === 2) return parts.join(to);
    throw new Error(`Expected wasm-vips' loader to have once: ${from}; got ${parts.length - 1} times`);
  }, code);
}
