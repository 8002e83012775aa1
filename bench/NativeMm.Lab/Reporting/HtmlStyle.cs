namespace NativeMm.Lab.Reporting;

/// <summary>How the report looks, by day and by night.</summary>
internal static class HtmlStyle
{
    /// <summary>The style sheet.</summary>
    public const string Text = """
        :root { color-scheme: light dark; --ink: #1c2330; --paper: #ffffff; --faint: #6b7585; --grid: #d9dee6; --ours: #1f9d57; --peer: #8fa3bf; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #e3e8f0; --paper: #14181f; --faint: #93a0b4; --grid: #2c3442; --ours: #3ecf7f; --peer: #5d7190; }
        }
        body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
        h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--grid); } h3 { font-weight: 600; }
        table { border-collapse: collapse; font-size: 13px; } th, td { text-align: left; padding: .15rem .9rem .15rem 0; vertical-align: top; }
        th { color: var(--faint); font-weight: 600; } summary { cursor: pointer; color: var(--faint); }
        .wide { overflow-x: auto; } .facts td { overflow-wrap: anywhere; } h1, h2, h3, li, figcaption { overflow-wrap: anywhere; }
        .charts { display: flex; flex-wrap: wrap; gap: 1rem 2rem; margin-bottom: 1.5rem; } figure { margin: 0; max-width: 343px; } figcaption { font-weight: 600; font-size: 13px; }
        svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
        .grid { stroke: var(--grid); } .tick { fill: var(--faint); font-size: 10.5px; } .figure { fill: var(--ink); } .whisker { stroke: var(--ink); }
        rect.ours { fill: var(--ours); } rect.peer { fill: var(--peer); } .name { fill: var(--ink); } .ours.name { font-weight: 700; }
        .curve { fill: none; stroke-width: 2; stroke: var(--peer); } .curve.ours { stroke: var(--ours); stroke-width: 3; }
        .curve.c1 { stroke: #c2703d; } .curve.c2 { stroke: #4a7fd4; } .curve.c3 { stroke: #a45bb5; } .curve.c4 { stroke: #b59a2d; } .curve.c5 { stroke: #3fa7a3; }
        tr.met td:last-child { color: var(--ours); } tr.missed td:last-child { color: #d0473c; font-weight: 600; } .left-out { color: var(--faint); }

        """;
}
