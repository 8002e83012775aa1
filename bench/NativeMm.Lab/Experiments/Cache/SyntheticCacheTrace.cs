using NativeMm.Lab.Experiments.Paging;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>The lab's own sequences, where no recorded ones are. The same on every run.</summary>
internal static class SyntheticCacheTrace
{
    /// <summary>Entries they are measured with.</summary>
    public const int Entries = 1000;

    private const string Zipf = "zipf";
    private const string Loop = "loop";
    private const string Scan = "scan";
    private const string Again = "again";
    private const string Shift = "shift";
    private const int Requests = 400_000;
    private const int ZipfKeys = 8 * Entries;

    /// <summary>All of them.</summary>
    public static readonly string[] Kinds = [Zipf, Loop, Scan, Again, Shift];

    /// <summary>Makes one.</summary>
    public static CacheTrace Make(string kind)
    {
        var pattern = new PagePattern(PagePattern.Zipf, ZipfKeys);
        return kind switch
        {
            Zipf => Of(_ => pattern.Next()),
            Loop => Of(i => i % (2 * Entries)),

            // Every second request is for a key that never comes again.
            Scan => Of(i => i % 2 == 0 ? pattern.Next() : ZipfKeys + (i / 2)),

            // Every key twice, with a fifth of the entries between.
            Again => Of(i => i % 2 == 0 ? i / 2 : Math.Max(0, (i / 2) - (Entries / 5))),

            // A third by Zipf's law, then a loop, then by Zipf's law over other keys.
            _ => Of(i => (i * 3 / Requests) switch
            {
                0 => pattern.Next(),
                1 => ZipfKeys + (i % (2 * Entries)),
                _ => ZipfKeys + (2 * Entries) + pattern.Next(),
            }),
        };
    }

    private static CacheTrace Of(Func<int, int> key)
    {
        int[] requests = new int[Requests];
        for (int i = 0; i < Requests; i++)
        {
            requests[i] = key(i);
        }

        return new CacheTrace(requests, requests.Max() + 1);
    }
}
