namespace NativeMm.Lab.Experiments.Locality;

/// <summary>Counts how much memory a program's stores are spread over. One thread at a time.</summary>
/// <param name="window">Records of a window.</param>
internal sealed class TouchCounter(int window)
{
    /// <summary>Base-2 logarithm of a cache line.</summary>
    public const int LineShift = 6;

    /// <summary>Base-2 logarithm of a page.</summary>
    public const int PageShift = 12;

    private readonly HashSet<nuint> _lines = [];
    private readonly HashSet<nuint> _pages = [];

    // What most processors have: 32 KiB in 8 ways, and 64 translations in 4.
    private readonly SetAssociativeCache _cache = new(sets: 64, ways: 8);
    private readonly SetAssociativeCache _translations = new(sets: 16, ways: 4);
    private long _linesOfWindows;
    private long _pagesOfWindows;
    private int _windows;
    private int _inWindow;
    private long _records;

    /// <summary>Mean number of different lines in a window. An unfinished window does not count.</summary>
    public double Lines => _windows == 0 ? 0 : (double)_linesOfWindows / _windows;

    /// <summary>Mean number of different pages in a window.</summary>
    public double Pages => _windows == 0 ? 0 : (double)_pagesOfWindows / _windows;

    /// <summary>Lines that were not in a first-level cache of 32 KiB, for each window's worth of records.</summary>
    public double CacheMisses => PerWindow(_cache.Misses);

    /// <summary>Pages whose translation was not among 64, for each window's worth of records.</summary>
    public double TranslationMisses => PerWindow(_translations.Misses);

    /// <summary>The program stores to an address.</summary>
    public void Touch(nuint address)
    {
        _lines.Add(address >> LineShift);
        _pages.Add(address >> PageShift);
        _cache.Access(address >> LineShift);
        _translations.Access(address >> PageShift);
    }

    /// <summary>A record is over.</summary>
    public void EndRecord()
    {
        _records++;
        if (++_inWindow == window)
        {
            _linesOfWindows += _lines.Count;
            _pagesOfWindows += _pages.Count;
            _windows++;
            _inWindow = 0;
            _lines.Clear();
            _pages.Clear();
        }
    }

    private double PerWindow(long misses) => _records == 0 ? 0 : misses * (double)window / _records;
}
