namespace NativeMm.Lab.Experiments.Paging;

/// <summary>Orders in which pages are used.</summary>
internal sealed class PagePattern
{
    public const string Random = "random";
    public const string Zipf = "zipf";
    public const string Sequential = "sequential";
    public const string Loop = "loop";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Random, Zipf, Sequential, Loop];

    private readonly string _name;
    private readonly int _pages;
    private readonly double[] _sums;
    private readonly int[] _places;
    private readonly Random _random = new(1);
    private int _next;

    /// <summary>An order of its own.</summary>
    /// <param name="name">Which.</param>
    /// <param name="pages">Pages of the memory.</param>
    public PagePattern(string name, int pages)
    {
        _name = name;
        _pages = pages;
        _sums = name == Zipf ? SumsOf(pages) : [];
        _places = name == Zipf ? [.. Enumerable.Range(0, pages)] : [];
        _random.Shuffle(_places);
    }

    /// <summary>The next page.</summary>
    public int Next() => _name switch
    {
        Random => _random.Next(_pages),
        Zipf => _places[NextByFrequency()],
        _ => _next = _next + 1 < _pages ? _next + 1 : 0,
    };

    private static double[] SumsOf(int pages)
    {
        double[] sums = new double[pages];
        double sum = 0;
        for (int i = 0; i < pages; i++)
        {
            sum += 1.0 / (i + 1);
            sums[i] = sum;
        }

        return sums;
    }

    private int NextByFrequency()
    {
        int at = Array.BinarySearch(_sums, _random.NextDouble() * _sums[^1]);
        return Math.Min(_pages - 1, at < 0 ? ~at : at);
    }
}
