using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Stores or loads all pages again and again, each thread its own copy of them.</summary>
/// <param name="request">What to measure.</param>
/// <param name="pages">Number of pages.</param>
internal sealed class PageRun(MeasurementRequest request, int pages)
{
    private const int PagesOfWarmUp = 40;

    /// <summary>Measures a target.</summary>
    public Measurement Measure<TTarget>(TTarget target)
        where TTarget : struct, IPageTarget
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        crew.Run(thread => StoreAll(target, thread, pages));
        Action<int, int> round = request.Parameters["part"] == ZsPart.Store
            ? (thread, count) => StoreAll(target, thread, count)
            : (thread, count) => LoadAll(target, thread, count);

        // A round goes over every page equally often, because they differ.
        double perPage = RoundTimer.Best(crew, pages, thread => round(thread, PagesOfWarmUp), round, request.Seconds);
        return new Measurement()
            .Add("bytes_per_second", crew.Size * 1e9 * PageSet.PageBytes / perPage)
            .Add("ratio", target.Ratio);
    }

    private void StoreAll<TTarget>(TTarget target, int thread, int count)
        where TTarget : struct, IPageTarget
    {
        int page = 0;
        for (int i = 0; i < count; i++)
        {
            target.Store(thread, page);
            page = page + 1 == pages ? 0 : page + 1;
        }
    }

    private void LoadAll<TTarget>(TTarget target, int thread, int count)
        where TTarget : struct, IPageTarget
    {
        int page = 0;
        for (int i = 0; i < count; i++)
        {
            target.Load(thread, page);
            page = page + 1 == pages ? 0 : page + 1;
        }
    }
}
