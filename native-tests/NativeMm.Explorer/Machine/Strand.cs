namespace NativeMm.Explorer.Machine;

/// <summary>A thread of the model.</summary>
internal sealed unsafe class Strand(int number)
{
    private const int EndWordsMax = 16;
    private readonly int[] _watched = new int[Views.WordsMax];
    private readonly bool[] _isWatched = new bool[Views.WordsMax];
    private int _watchedCount;

    /// <summary>Its place among the strands, which is its fiber too.</summary>
    public int Number { get; } = number;

    /// <summary>Stands for it where the library asks for a <see cref="System.Threading.Thread"/>; never started.</summary>
    public Thread Thread { get; private set; } = new(static () => { });

    /// <summary>What it knows.</summary>
    public short* View { get; } = Views.New();

    /// <summary>What it read without acquiring: a read fence makes it known.</summary>
    public short* Read { get; } = Views.New();

    /// <summary>What it knew at its last write fence: its relaxed stores tell that much.</summary>
    public short* Released { get; } = Views.New();

    public string Name { get; set; } = "";

    public Action Body { get; set; } = static () => { };

    public StrandState State { get; set; }

    /// <summary>The place in the source and the label that it is at; see <see cref="Sites"/>.</summary>
    public int Site { get; set; }

    /// <summary>Whether it waits in a loop that does not depend on anybody: it may go on when nobody else can.</summary>
    public bool IsPatient { get; set; }

    /// <summary>The step that it was stopped at, though it could have gone on; 0 while it was not.</summary>
    public int StoppedAt { get; private set; }

    /// <summary>What comes next, while it is stopped.</summary>
    public StepKind NextStep { get; private set; }

    /// <summary>The word of the next step.</summary>
    public nuint NextWord { get; private set; }

    /// <summary>Stale reads of the execution when it was stopped.</summary>
    public int StaleReadsBefore { get; private set; }

    /// <summary>The words that it read since its last wait.</summary>
    public ReadOnlySpan<int> Watched => _watched.AsSpan(0, _watchedCount);

    /// <summary>Notes a word that decides whether a wait goes on.</summary>
    public void Watch(int word)
    {
        if (!_isWatched[word])
        {
            _isWatched[word] = true;
            _watched[_watchedCount++] = word;
        }
    }

    /// <summary>Words that are cleared when the thread ends.</summary>
    public nuint[] EndWords { get; } = new nuint[EndWordsMax];

    public void ForgetWatched()
    {
        foreach (int word in Watched)
        {
            _isWatched[word] = false;
        }

        _watchedCount = 0;
    }

    /// <summary>It is stopped before a step.</summary>
    public void Stop(int at, nuint word, StepKind kind, int staleReads) => (StoppedAt, NextWord, NextStep, StaleReadsBefore) = (at, word, kind, staleReads);

    /// <summary>It goes on with the step that it was stopped before.</summary>
    public void GoOn() => StoppedAt = 0;

    /// <summary>Makes it new for an execution.</summary>
    public void Reset()
    {
        Views.Clear(View);
        Views.Clear(Read);
        Views.Clear(Released);
        State = StrandState.Ready;
        Site = 0;
        IsPatient = false;
        StoppedAt = 0;
        ForgetWatched();
        Array.Clear(EndWords);
        View[Number] = 1;
    }
}
