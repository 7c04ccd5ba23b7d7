// Where an account comes from; matters with a remote address only.
#ifndef ONS_CPP_ONSCHANNEL_H
#define ONS_CPP_ONSCHANNEL_H

namespace ons {
enum ONSChannel { CLOUD, ALIYUN, ALL, LOCAL, INNER };
} // namespace ons

#endif
