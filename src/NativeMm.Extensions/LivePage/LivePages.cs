using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace NativeMm.Extensions;

/// <summary>The pages that were mapped, to be looked at when all conventions are there: at the start of the host.</summary>
/// <param name="environment">Whether this is Development.</param>
/// <param name="authorization">Whether a fallback policy holds for everything.</param>
internal sealed class LivePages(IHostEnvironment? environment, IOptions<AuthorizationOptions> authorization)
{
    private readonly List<ICollection<EndpointDataSource>> _sources = [];

    /// <summary>Remembers where a page was mapped.</summary>
    public void Add(ICollection<EndpointDataSource> sources) => _sources.Add(sources);

    /// <summary>Refuses pages that anybody could see.</summary>
    /// <exception cref="InvalidOperationException">A page has no policy, and this is not Development.</exception>
    public void Check()
    {
        if (environment?.IsDevelopment() == true)
        {
            return;
        }

        foreach (Endpoint endpoint in _sources.SelectMany(source => source).Distinct().SelectMany(source => source.Endpoints))
        {
            if (endpoint.Metadata.GetMetadata<LivePageMetadata>() is { AllowWithoutAuthorization: false } page && !IsGuarded(endpoint))
            {
                throw new InvalidOperationException(
                    $"The live page {page.Path} has no authorization policy, and the environment is {environment?.EnvironmentName ?? "unknown"}, not Development. "
                    + $"Write app.MapNativeMm(\"{page.Path}\").RequireAuthorization(…), or set AllowWithoutAuthorization if others keep strangers away.");
            }
        }
    }

    private bool IsGuarded(Endpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return false;
        }

        return endpoint.Metadata.GetMetadata<IAuthorizeData>() is not null
            || endpoint.Metadata.GetMetadata<AuthorizationPolicy>() is not null
            || authorization.Value.FallbackPolicy is not null;
    }
}
