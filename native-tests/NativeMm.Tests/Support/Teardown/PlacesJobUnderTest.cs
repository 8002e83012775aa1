using NativeMm.Teardown;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>Counts how often each unit is done.</summary>
internal sealed class PlacesJobUnderTest(TeardownWorkers workers, ulong[] places, ulong bite) : PlacesJob(workers)
{
    private readonly int[][] _done = [.. places.Select(units => new int[units])];

    public WorkPiece All => Row((uint)places.Length);

    public bool IsAllDoneOnce => Array.TrueForAll(_done, place => Array.TrueForAll(place, count => count == 1));

    public bool Bite(ref WorkPiece piece, out WorkPiece taken) => TryBite(ref piece, out taken);

    public bool Split(ref WorkPiece piece, out WorkPiece half) => TrySplit(ref piece, out half);

    public void Do(WorkPiece piece) => Step(piece);

    public ulong UnitsIn(WorkPiece piece)
    {
        ulong units = 0;
        for (uint place = 0; place < places.Length; place++)
        {
            ulong from = ulong.Max(piece.First, new PlacePoint(place, 0).Value);
            ulong to = ulong.Min(piece.End, new PlacePoint(place, places[place]).Value);
            units += to > from ? to - from : 0;
        }

        return units;
    }

    protected override ulong UnitsOf(uint place) => places[place];

    protected override ulong BiteEnd(uint place, ulong unit, ulong end) => unit + bite;

    protected override ulong CutOf(uint place, ulong unit, ulong end) => unit + ((end - unit) / 2);

    protected override StepDone Release(uint place, ulong unit, ulong end)
    {
        for (; unit < end; unit++)
        {
            Interlocked.Increment(ref _done[place][unit]);
        }

        return new StepDone(1, 1);
    }
}
